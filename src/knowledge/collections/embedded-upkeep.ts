import type { Database } from '../../data/database.ts';
import type { Log } from '../../kernel/log.ts';

export interface Upkeep {
  /** So many chunks were written or removed, or given other vectors. */
  note(chunks: number): void;
  settled(): Promise<void>;
}

const tables = ['Posting', 'ChunkEmbedding', 'LatentTerm', 'Chunk', 'Document'];
/** Below this many changed chunks since the last time nothing is gained. */
const minChanged = 500;

/**
 * The embedded database has no autovacuum: without fresh statistics and cleared rows a search of 10,000 chunks took a
 * third more processor time. This cleans up after every so many changes; a server does it by itself.
 */
export function createUpkeep(database: Database, log: Log): Upkeep {
  let changed = 0;
  let least = minChanged;
  let queue: Promise<void> = Promise.resolve();
  const clean = async (): Promise<void> => {
    const [row] = await database.query<{ chunks: number }>(
      'SELECT count(*)::int AS chunks FROM "Chunk"',
    );
    least = Math.max(minChanged, (row?.chunks ?? 0) / 2);
    // Table by table: searches get their turn in between.
    for (const table of tables) await database.query(`VACUUM (ANALYZE) "${table}"`);
  };
  return {
    note(chunks) {
      changed += chunks;
      if (database.kind !== 'embedded' || changed < least) return;
      changed = 0;
      queue = queue
        .then(clean)
        .catch((error: unknown) => log.warn({ err: error }, 'the database was not cleaned up'));
    },
    settled: () => queue,
  };
}
