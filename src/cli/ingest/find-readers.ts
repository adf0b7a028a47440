import type { ApiClient } from '../create-api-client.ts';
import { CollectionReadersDocument } from '../operations/operations.generated.ts';

export interface CollectionReaders {
  /** The end of a line of the report: who finds something in the collection. */
  description: string;
  /** Of those that were asked for, those who are no readers of a collection that was there before. */
  missing: string[];
}

/** Who may read a collection, so that nobody wonders afterwards why a user finds nothing. */
export async function findReaders(
  client: ApiClient,
  name: string,
  asked: readonly string[],
): Promise<CollectionReaders> {
  const { collections } = await client.execute(CollectionReadersDocument, {});
  const collection = collections.find((each) => each.name === name);
  if (!collection) return { description: 'This key may not read it: ask an admin.', missing: [] };
  const { readers } = collection;
  return {
    description: `Readable by ${describe(readers)}.`,
    missing: asked.filter((reader) => !readers.includes(reader)),
  };
}

function describe(readers: readonly string[]): string {
  if (readers.includes('*')) return 'every signed-in caller (*)';
  return readers.length > 0 ? `${readers.join(', ')} and admins only` : 'admins only';
}
