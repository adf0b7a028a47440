import { newId } from '../../data/new-id.ts';
import { DomainError } from '../../kernel/errors.ts';
import type { Usd } from '../../kernel/prices.ts';
import { type AlertJson, alertFromJson } from '../alerts/alert-record.ts';
import { type BatchQueue, createBatchQueue } from '../batch-queue.ts';
import { isPermanent, mayHaveHappened, within } from '../database-errors.ts';
import type { Hold, HoldRequest } from '../ledger.ts';
import type { LedgerContext } from '../ledger-context.ts';
import { usd } from '../usd.ts';
import { holdArguments } from './hold-arguments.ts';
import type { HoldEntry } from './hold-entry.ts';
import { type Refusal, refusalError } from './refusal.ts';

/** Leaves a second of the promised five for a busy machine. */
const timeoutMs = 4_000;
const maxPauseMs = 1_000;

/** As `ledger_hold` returns it. */
export interface HoldAnswer {
  now: string;
  refusals: Refusal[];
  alerts: AlertJson[];
}

/** The reserving half of the ledger: room for many calls in one statement, tried until it is known or too late. */
export class Holds {
  readonly #context: LedgerContext;
  readonly #discard: (holdId: string) => void;
  readonly #batches: BatchQueue<HoldEntry>;

  /** `discard` gives back, by its id, the room of a hold that may or may not have been made. */
  constructor(context: LedgerContext, discard: (holdId: string) => void) {
    this.#context = context;
    this.#discard = discard;
    this.#batches = createBatchQueue<HoldEntry>({
      limit: 256,
      run: (batch) => this.#holdBatch(batch),
      pauseMs: (failures) => Math.min(maxPauseMs, 50 * 2 ** failures),
    });
  }

  /** Rejects with BUDGET_EXCEEDED, and with MODEL_UNAVAILABLE when the database does not answer in time. */
  hold(request: HoldRequest): Promise<Hold> {
    return this.prepare(request, (entry) => this.push(entry));
  }

  /** A hold that `enter` sees to. */
  prepare(request: HoldRequest, enter: (entry: HoldEntry) => void): Promise<Hold> {
    const { promise, resolve, reject } = Promise.withResolvers<Hold>();
    const timer = setTimeout(() => {
      entry.abandoned = true;
      reject(unavailable());
    }, timeoutMs);
    const entry: HoldEntry = {
      id: newId(),
      request,
      amount: worstCase(this.#context, request),
      abandoned: false,
      resolve(hold) {
        clearTimeout(timer);
        resolve(hold);
      },
      reject(error) {
        clearTimeout(timer);
        reject(error);
      },
    };
    enter(entry);
    return promise;
  }

  push(entry: HoldEntry): void {
    this.#batches.push(entry);
  }

  /** Resolves when no statement is under way. */
  idle(): Promise<void> {
    return this.#batches.idle();
  }

  /** What the statement of a batch has answered. */
  answered(batch: readonly HoldEntry[], answer: HoldAnswer): void {
    const createdAt = new Date(answer.now);
    const refusals = new Map(answer.refusals.map((refusal) => [refusal.id, refusal]));
    for (const entry of batch) {
      const refusal = refusals.get(entry.id);
      if (refusal) entry.reject(refusalError(refusal, entry.request, entry.amount));
      else if (entry.abandoned) this.#discard(entry.id);
      else {
        const { id, request, amount } = entry;
        entry.resolve({ id, request, amount, createdAt });
      }
    }
    this.#context.announce(answer.alerts.map(alertFromJson));
  }

  /**
   * The statement of a batch has failed, or goes on beyond its time. Whether or not it was committed: only when it has
   * ended is there something to give back. The entries are to be tried under other ids.
   */
  failed(batch: readonly HoldEntry[], statement: Promise<unknown>): void {
    const made = batch.map(({ id }) => id);
    const giveBack = (): void => {
      for (const id of made) this.#discard(id);
    };
    void statement.then(giveBack, (reason) => mayHaveHappened(reason) && giveBack());
    for (const entry of batch) entry.id = newId();
  }

  async #holdBatch(entries: readonly HoldEntry[]): Promise<HoldEntry[]> {
    const batch = entries.filter((entry) => !entry.abandoned);
    if (batch.length === 0) return [];
    const statement = this.#askForRoom(batch);
    try {
      this.answered(batch, await within(timeoutMs, statement));
      return [];
    } catch (error) {
      this.failed(batch, statement);
      if (isPermanent(error)) {
        if (batch.length > 1) return this.#holdOneByOne(batch);
        batch[0]?.reject(error);
        return [];
      }
      const fields = { err: error, holds: batch.length };
      this.#context.log.warn(fields, 'the ledger could not reach the database');
      return batch;
    }
  }

  /** One that cannot be held must not keep the others of its batch from being. */
  async #holdOneByOne(batch: readonly HoldEntry[]): Promise<HoldEntry[]> {
    const again: HoldEntry[] = [];
    for (const entry of batch) again.push(...(await this.#holdBatch([entry])));
    return again;
  }

  async #askForRoom(batch: readonly HoldEntry[]): Promise<HoldAnswer> {
    const { database, serverId, timeZone, allowUnknownPrice, now } = this.#context;
    const { requests, users, envelopes } = holdArguments(batch);
    const [row] = await database.query<{ answer: HoldAnswer }>(
      'SELECT ledger_hold($1::jsonb, $2::text[], $3::text[], $4::uuid, $5, $6, $7::timestamptz) AS answer',
      [JSON.stringify(requests), users, envelopes, serverId, timeZone, allowUnknownPrice, now()],
    );
    return row!.answer;
  }
}

function worstCase(context: LedgerContext, request: HoldRequest): Usd | null {
  const at = context.now() ?? new Date();
  const { model, estimatedInputTokens, maxTokens } = request;
  const cost = request.embedding
    ? context.prices.embeddingCost(model, estimatedInputTokens, at)
    : context.prices.worstCase(model, estimatedInputTokens, maxTokens, at);
  return cost === null ? null : usd(cost);
}

/** Not the model's fault, but the caller's way out is the same: nothing was called, the same call may succeed later. */
const unavailable = (): DomainError<'MODEL_UNAVAILABLE'> =>
  new DomainError(
    'MODEL_UNAVAILABLE',
    'The database that keeps the accounts cannot be reached, so no model was called; try again shortly.',
  );
