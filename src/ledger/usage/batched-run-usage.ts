import type { Database } from '../../data/database.ts';
import { createBatchQueue } from '../batch-queue.ts';
import type { RunUsage } from '../ledger.ts';
import { usageByRun } from './usage-pages.ts';

interface Entry {
  runIds: readonly string[];
  resolve(usages: RunUsage[]): void;
  reject(error: unknown): void;
}

/**
 * `usageByRun` for many askers: every finished run is asked for what it cost, and whoever asks while a query is away
 * shares the next one. A query is never older than its question.
 */
export function createBatchedRunUsage(
  database: Database,
): (runIds: readonly string[]) => Promise<RunUsage[]> {
  const batches = createBatchQueue<Entry>({
    limit: 256,
    async run(batch) {
      try {
        const usages = await usageByRun(
          database,
          batch.flatMap(({ runIds }) => runIds),
        );
        let start = 0;
        for (const { runIds, resolve } of batch) {
          resolve(usages.slice(start, start + runIds.length));
          start += runIds.length;
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
      return [];
    },
  });
  return (runIds) => new Promise((resolve, reject) => batches.push({ runIds, resolve, reject }));
}
