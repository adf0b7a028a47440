import type { ApiClient } from '../create-api-client.ts';
import { CollectionReadersDocument } from '../operations/operations.generated.ts';
import type { Terminal } from '../terminal.ts';

export interface PrintReadersOptions {
  client: ApiClient;
  terminal: Terminal;
  collection: string;
  /** Those that were asked for. */
  readers: readonly string[];
}

/** Prints who may read a collection, so that nobody wonders afterwards why a user finds nothing. */
export async function printReaders({
  client,
  terminal,
  collection: name,
  readers: asked,
}: PrintReadersOptions): Promise<void> {
  const { collections } = await client.execute(CollectionReadersDocument, {});
  const collection = collections.find((each) => each.name === name);
  if (!collection) {
    terminal.print('Readers: this key may write the collection, and not read it; ask an admin.');
    return;
  }
  const { readers } = collection;
  terminal.print(`Readers: ${describe(readers)}`);
  const missing = asked.filter((reader) => !readers.includes(reader));
  if (missing.length > 0)
    terminal.tell(
      `The collection was there before and keeps its readers, without ${missing.join(', ')}: change them with updateCollection(readers).`,
    );
}

function describe(readers: readonly string[]): string {
  if (readers.includes('*')) return `every signed-in caller (${readers.join(', ')}).`;
  const named = readers.length > 0 ? `${readers.join(', ')}, and admins.` : 'admins only.';
  return `${named} Others find nothing in it; name them with updateCollection(readers).`;
}
