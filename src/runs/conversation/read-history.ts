import type { Queryable } from '../../data/database.ts';
import { DomainError } from '../../kernel/errors.ts';
import type { RunEvent } from '../../kernel/events.ts';
import type { Message } from '../../kernel/model.ts';
import { readAllStoredEvents } from '../log/stored-events.ts';
import { type EventOf, eventsOf, type PackSources } from './called-turns.ts';
import { answeredIn, askedIn, type ExchangeRow, exchangeEvents } from './exchange.ts';

/** What one run added to its conversation. */
export interface Exchange {
  runId: string;
  asked: Message[];
  answered: Message[];
  /** What of the conversation before it was not sent. */
  shortened: EventOf<'HistoryShortened'> | null;
}

/** Runs one after the other: more make no conversation that anybody leads. */
const maxRuns = 10_000;

interface ChainRow extends ExchangeRow {
  root: string;
}

/**
 * The exchanges of each run and of those that it goes on from, oldest first; empty where there is no such run. Read off
 * rows and logs, which hold what was said and nothing else does. Rejects with CONFLICT for a conversation that is too long,
 * or goes in a circle.
 */
export async function readHistories(
  database: Queryable,
  runIds: readonly string[],
  pack: PackSources,
): Promise<Exchange[][]> {
  const rows = await database.query<ChainRow>(
    `WITH RECURSIVE chain AS (
       SELECT r.id AS root, r.id, r."continuesRunId", 1 AS depth FROM "Run" r WHERE r.id = ANY($1::uuid[])
       UNION ALL
       SELECT chain.root, r.id, r."continuesRunId", depth + 1 FROM chain JOIN "Run" r ON r.id = chain."continuesRunId"
       WHERE depth <= ${maxRuns})
     SELECT chain.root, r.id, r.input, r.text FROM chain JOIN "Run" r ON r.id = chain.id ORDER BY depth DESC`,
    [[...new Set(runIds)]],
  );
  const ids = [...new Set(rows.map(({ id }) => id))];
  const events = await readAllStoredEvents(database, ids, exchangeEvents);
  const eventsById = new Map(ids.map((id, index) => [id, events[index]!]));
  const byRoot = Map.groupBy(rows, ({ root }) => root);
  return runIds.map((root) => {
    const chain = byRoot.get(root) ?? [];
    if (chain.length > maxRuns) throw tooManyRuns();
    return chain.map((row) => exchangeOf(row, eventsById.get(row.id)!, pack));
  });
}

/** The exchanges of a run and of those that it goes on from. See `readHistories`. */
export async function readHistory(
  database: Queryable,
  runId: string,
  pack: PackSources,
): Promise<Exchange[]> {
  const [history] = await readHistories(database, [runId], pack);
  return history!;
}

function exchangeOf(row: ExchangeRow, events: readonly RunEvent[], pack: PackSources): Exchange {
  return {
    runId: row.id,
    asked: askedIn(row, events),
    answered: answeredIn(row, events, pack),
    shortened: eventsOf(events, 'HistoryShortened').at(-1) ?? null,
  };
}

const tooManyRuns = (): DomainError =>
  new DomainError(
    'CONFLICT',
    `The conversation has more than ${maxRuns} runs one after the other. Begin a new one.`,
  );
