import type { Database, Queryable } from '../../data/database.ts';
import type { RunEvent } from '../../kernel/events.ts';
import { storableJson } from '../../kernel/json/storable-json.ts';
import type { LedgerAnswer, LedgerArguments } from '../../ledger/ledger.ts';
import type { FormedBatch, LogOwner } from './log-batch.ts';
import type { NewRun } from './run-rows.ts';

/** The tables are named for whoever reads the statements of a server. */
const statement = `SELECT run_write($1::jsonb, $2::jsonb, $3::json, $4::jsonb, $5::jsonb, $6::jsonb, $7::uuid, $8, $9::numeric,
  $10, $11::timestamptz) AS answer -- writes "Run", "RunEvent", "Hold", "UsageRecord"`;

export interface WrittenBatch {
  /** The logs that are still this server's. Nothing of the others was written. */
  own: ReadonlySet<LogOwner>;
  ledger: LedgerAnswer;
}

/** Stores a batch, and what is held and settled with it, in one statement and transaction. */
export async function writeBatch(
  database: Database,
  { created, parts, endings }: FormedBatch,
  ledger: LedgerArguments | null,
): Promise<WrittenBatch> {
  const owners = parts.map(({ run }) => run);
  const numberOf = new Map(owners.map((run, owner) => [run, owner]));
  const events = parts.flatMap(({ events: own }, owner) => own.map((event) => rowOf(event, owner)));
  const patches = endings.map(({ run, patch, lastEvent }) => {
    const owner = numberOf.get(run)!;
    if (lastEvent) events.push(rowOf(lastEvent, owner));
    return { owner, runId: run.log.runId, patch };
  });
  const values = [
    json(created),
    json(
      owners.map(({ log, epoch, serverId }, owner) => ({
        owner,
        runId: log.runId,
        epoch,
        serverId,
      })),
    ),
    json(events),
    json(patches),
    ledger?.settle ? storableJson(ledger.settle) : null,
    ledger?.hold ? storableJson(ledger.hold) : null,
    ledger?.serverId ?? null,
    ledger?.timeZone ?? null,
    ledger?.highCostThreshold ?? null,
    ledger?.allowUnknownPrice ?? null,
    ledger?.now ?? null,
  ];
  const [row] = await database.transaction(
    (transaction) => transaction.query<{ answer: Answer }>(statement, values, { prepared: true }),
    undefined,
    { single: true },
  );
  const { own, ...answer } = row!.answer;
  return { own: new Set(own?.map((owner) => owners[owner]!)), ledger: answer };
}

/** Stores a new row as part of a transaction. */
export async function insertRun(transaction: Queryable, run: NewRun): Promise<void> {
  await transaction.query(
    'SELECT run_write($1::jsonb, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)',
    [json([run])],
  );
}

interface Answer extends LedgerAnswer {
  /** Places in the list of owners. */
  own: number[] | null;
}

const json = (rows: readonly unknown[]): string | null =>
  rows.length === 0 ? null : storableJson(rows);

function rowOf(event: RunEvent, owner: number): object {
  const { runId, position, length, type, at, ...payload } = event;
  return { owner, runId, position, length, type, payload, at };
}
