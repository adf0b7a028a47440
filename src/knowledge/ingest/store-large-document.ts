import type { Database, Queryable } from '../../data/database.ts';
import {
  addChunks,
  addVectors,
  type ChunkChanges,
  type ChunkTarget,
  collectChanges,
  moveChunks,
  readChunks,
} from './chunk-rows.ts';
import type { PreparedDocument } from './prepare-document.ts';
import { removeStagedChunks } from './staged-chunks.ts';
import {
  checkEmbedder,
  isStored,
  lockDocuments,
  type StoredDocument,
  writeDocuments,
} from './store-documents.ts';

interface Plan {
  documentId: string;
  /** Of the document as it was. */
  contentHash: string;
  readers: string[] | null;
  before: string[];
  changes: ChunkChanges;
}

interface LargeTarget extends ChunkTarget {
  chunksPerTransaction: number;
  signal: AbortSignal | undefined;
}

/**
 * Stores a document of so many chunks that one transaction would keep everybody else waiting (the embedded database has
 * one connection). Its new chunks are written a few at a time and staged: no search answers with them. One short
 * transaction then puts them in the place of the former ones, which go a few at a time afterwards. Whatever ends this
 * before, the document is as it was; when it was changed meanwhile this begins anew, so that the last one to end wins.
 */
export async function storeLargeDocument(
  database: Database,
  document: PreparedDocument,
  target: LargeTarget,
): Promise<StoredDocument> {
  const { source, chunks } = document;
  while (true) {
    const plan = await makePlan(database, document, target);
    const { documentId: id, changes } = plan;
    const added = changes.added.map((chunk) => chunk.id);
    const isUnchanged = isStored(plan, document);
    if (isUnchanged && changes.unembedded.length === 0)
      return { id, source, outcome: 'unchanged', written: 0 };
    let published = false;
    try {
      await stageChunks(database, plan, target);
      published = await database.transaction((transaction) =>
        publish(transaction, document, { plan, target }),
      );
    } finally {
      // Should this fail, the next start does it.
      const leftOver = published ? changes.removed : added;
      await removeStagedChunks(database, id, leftOver).catch(() => undefined);
    }
    if (!published) continue;
    if (isUnchanged) return { id, source, outcome: 'unchanged', written: 0 };
    const outcome = plan.contentHash === '' ? 'created' : 'updated';
    return { id, source, outcome, written: chunks.length };
  }
}

function makePlan(
  database: Database,
  document: PreparedDocument,
  target: LargeTarget,
): Promise<Plan> {
  return database.transaction(async (transaction) => {
    await checkEmbedder(transaction, target);
    const locked = await lockDocuments(transaction, [document], target.collectionId);
    const { id: documentId, contentHash, readers } = locked.get(document.source)!;
    const before = await readChunks(transaction, [documentId], target.embedder);
    const changes = collectChanges([document], () => documentId, before);
    return { documentId, contentHash, readers, before: before.map(({ id }) => id), changes };
  });
}

/** A transaction for every few chunks; one that finds the document gone ends it, and `publish` sees that. */
async function stageChunks(
  database: Database,
  { documentId, changes }: Plan,
  target: LargeTarget,
): Promise<void> {
  const { chunksPerTransaction: size, signal } = target;
  const inTransaction = async (work: (transaction: Queryable) => Promise<void>) =>
    database.transaction(async (transaction) => {
      await checkEmbedder(transaction, target);
      const there = await transaction.query(
        `SELECT 1 FROM "Document" WHERE "id" = $1 FOR KEY SHARE`,
        [documentId],
      );
      if (there.length > 0) await work(transaction);
      return there.length > 0;
    });
  const inSlices = async <Chunk>(
    chunks: readonly Chunk[],
    write: (transaction: Queryable, slice: readonly Chunk[]) => Promise<void>,
  ): Promise<boolean> => {
    for (let from = 0; from < chunks.length; from += size) {
      signal?.throwIfAborted();
      const slice = chunks.slice(from, from + size);
      if (!(await inTransaction((transaction) => write(transaction, slice)))) return false;
    }
    return true;
  };
  const staged = { ...target, staged: true };
  const isThere = await inSlices(changes.added, (transaction, chunks) =>
    addChunks(transaction, chunks, staged),
  );
  if (isThere)
    await inSlices(changes.unembedded, (transaction, chunks) =>
      addVectors(transaction, chunks, target),
    );
}

/** False when the document is not any more what the plan was made for. */
async function publish(
  transaction: Queryable,
  document: PreparedDocument,
  { plan, target }: { plan: Plan; target: LargeTarget },
): Promise<boolean> {
  const { documentId, changes } = plan;
  await checkEmbedder(transaction, target);
  const [row] = await transaction.query<{ contentHash: string }>(
    `SELECT "contentHash" FROM "Document" WHERE "id" = $1 FOR UPDATE`,
    [documentId],
  );
  if (row?.contentHash !== plan.contentHash) return false;
  const now = await readChunks(transaction, [documentId], target.embedder);
  const before = new Set(plan.before);
  if (now.length !== before.size || !now.every(({ id }) => before.has(id))) return false;
  await transaction.query(
    `UPDATE "Chunk" SET "staged" = NOT "staged" WHERE "id" = ANY ($1::uuid[])`,
    [[...changes.removed, ...changes.added.map(({ id }) => id)]],
  );
  await moveChunks(transaction, changes.moved);
  await writeDocuments(transaction, [document], () => documentId);
  return true;
}
