import type { Queryable } from '../data/database.ts';

const everyMs = 60_000;
const flushAfterMs = 1_000;

export interface LastUse {
  /** A key was used that the database last saw used at `known`. */
  note(keyId: string, known: Date | null): void;
  close(): Promise<void>;
}

/** Keeps `lastUsedAt` right to the minute, with one write for all keys in use. Losing one is harmless. */
export function createLastUse(database: Queryable): LastUse {
  const pending = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const ids = [...pending];
    pending.clear();
    if (ids.length === 0) return;
    await database
      .query(`UPDATE "ApiKey" SET "lastUsedAt" = now() WHERE "id" = ANY($1::uuid[])`, [ids])
      .catch(() => undefined);
  };
  return {
    note(keyId, known) {
      if (known && Date.now() - known.getTime() < everyMs) return;
      pending.add(keyId);
      timer ??= setTimeout(flush, flushAfterMs).unref();
    },
    close: flush,
  };
}
