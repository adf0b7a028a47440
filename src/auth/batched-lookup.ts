import DataLoader from 'dataloader';
import { withTimeout } from '../kernel/timing/with-timeout.ts';

/** A database that does not answer must not hold callers for longer than they are promised. */
const answerTimeoutMs = 4_000;

/**
 * Looks up by key, never from memory: each lookup is asked after it was called for. What is called for in one turn of
 * the event loop, or while the last query is still away, is one query: under load they come as fast as the database
 * answers, not as the requests do. Rejects when the query does, or gives no answer in 4 s.
 */
export function createBatchedLookup<Row>(
  find: (keys: readonly string[]) => Promise<ReadonlyMap<string, Row>>,
): (key: string) => Promise<Row | null> {
  let running: Promise<unknown> = Promise.resolve();
  const loader = new DataLoader<string, Row | null>(
    async (keys) => {
      const found = withTimeout(answerTimeoutMs, find([...new Set(keys)]), 'the database');
      running = found.catch(() => undefined);
      const rows = await found;
      return keys.map((key) => rows.get(key) ?? null);
    },
    {
      cache: false,
      batchScheduleFn: (dispatch) => void running.then(() => setImmediate(dispatch)),
    },
  );
  return (key) => loader.load(key);
}
