import type { Database } from '../../../../src/data/database.ts';
import { newId } from '../../../../src/data/new-id.ts';

/**
 * A crash of the server, as its database sees it: whatever runs belongs to a dead server of a lower epoch from now on.
 * The loop that is cut off goes on as a zombie, as one of a frozen server would: the log must refuse it.
 */
export async function crashServers(database: Database): Promise<void> {
  const dead = newId();
  await database.query(
    `INSERT INTO "Server" (id, version, "leaseUntil") VALUES ($1, 'dead', 'epoch')`,
    [dead],
  );
  await database.query(
    `UPDATE "Run" SET "serverId" = $1, epoch = epoch + 1
     WHERE "finishedAt" IS NULL AND status <> 'WAITING_FOR_APPROVAL'`,
    [dead],
  );
}
