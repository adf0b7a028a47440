import type { ApiClient } from '../create-api-client.ts';
import { CollectionAccessDocument } from '../operations/operations.generated.ts';
import type { Terminal } from '../terminal.ts';

export interface PrintAccessOptions {
  client: ApiClient;
  terminal: Terminal;
  userId: string;
  groups: readonly string[];
}

/** Prints a line for each collection: what of it a user may read, and why. */
export async function printAccess({
  client,
  terminal,
  userId,
  groups,
}: PrintAccessOptions): Promise<void> {
  const { collectionAccess } = await client.execute(CollectionAccessDocument, {
    userId,
    groups: [...groups],
  });
  for (const { collection, mayRead, documents, readableDocuments, reason } of collectionAccess) {
    const share = `${readableDocuments} of ${documents} documents`;
    terminal.print(`${mayRead ? 'reads' : 'no   '} ${collection} (${share}). ${reason}`);
  }
  if (collectionAccess.length === 0) terminal.print('There are no collections.');
}
