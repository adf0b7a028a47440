import { newId } from '../../data/new-id.ts';
import { DomainError } from '../../kernel/errors.ts';
import type { Usd } from '../../kernel/prices.ts';
import { type AlertJson, alertFromJson } from '../alerts/alert-record.ts';
import { isPermanent, mayHaveHappened, within } from '../database-errors.ts';
import type { Hold, HoldRequest } from '../ledger.ts';
import type { LedgerContext } from '../ledger-context.ts';
import { usd } from '../usd.ts';
import { createBatchQueue } from './batch-queue.ts';
import { type Charge, chargesOf } from './charges.ts';
import { type Refusal, refusalError } from './refusal.ts';

/** Leaves a second of the promised five for a busy machine. */
const timeoutMs = 4_000;
const maxPauseMs = 1_000;

interface Entry {
  id: string;
  request: HoldRequest;
  amount: Usd | null;
  charges: readonly Charge[];
  /** The caller has been refused meanwhile: nobody will settle this hold. */
  abandoned: boolean;
  resolve(hold: Hold): void;
  reject(error: unknown): void;
}

interface Answer {
  now: string;
  refusals: Refusal[];
  alerts: AlertJson[];
}

/** What a dead server's sweep needs to write the record: `Hold.estimate`. */
export type HoldEstimate = Omit<HoldRequest['tag'], 'runId' | 'userId'> &
  Pick<HoldRequest, 'provider' | 'model' | 'estimatedInputTokens' | 'maxTokens'> & {
    embedding: boolean;
  };

export interface Holds {
  hold(request: HoldRequest): Promise<Hold>;
  /** Resolves when no statement is under way. */
  idle(): Promise<void>;
}

/** `discard` gives back, by its id, the room of a hold that may or may not have been made. */
export function createHolds(context: LedgerContext, discard: (holdId: string) => void): Holds {
  const batches = createBatchQueue<Entry>({
    limit: 256,
    run: (batch) => holdBatch(context, batch, discard),
    pauseMs: (failures) => Math.min(maxPauseMs, 50 * 2 ** failures),
  });
  return {
    hold: (request) =>
      new Promise((resolve, reject) => {
        const charges = chargesOf(request, worstCases(context, request));
        const entry: Entry = {
          id: newId(),
          request,
          amount: charges[0]!.amount,
          charges,
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
        const timer = setTimeout(() => {
          entry.abandoned = true;
          reject(unavailable());
        }, timeoutMs);
        batches.push(entry);
      }),
    idle: () => batches.idle(),
  };
}

/** The most that the call may cost, by the model that answers it. */
function worstCases(
  { prices, now }: LedgerContext,
  { estimatedInputTokens, maxTokens, embedding }: HoldRequest,
): (model: string) => Usd | null {
  const at = now() ?? new Date();
  return (model) => {
    const cost = embedding
      ? prices.embeddingCost(model, estimatedInputTokens, at)
      : prices.worstCase(model, estimatedInputTokens, maxTokens, at);
    return cost === null ? null : usd(cost);
  };
}

async function holdBatch(
  context: LedgerContext,
  entries: Entry[],
  discard: (holdId: string) => void,
): Promise<Entry[]> {
  const batch = entries.filter((entry) => !entry.abandoned);
  if (batch.length === 0) return [];
  const started = askForRoom(context, batch);
  try {
    resolveBatch(context, batch, { answer: await within(timeoutMs, started), discard });
    return [];
  } catch (error) {
    // Whether or not it was committed: only when the statement has ended is there something to give back.
    const made = batch.map(({ id }) => id);
    const giveBack = (): void => made.forEach(discard);
    void started.then(giveBack, (reason) => mayHaveHappened(reason) && giveBack());
    if (isPermanent(error)) {
      if (batch.length > 1) return holdOneByOne(context, batch, discard);
      batch[0]?.reject(error);
      return [];
    }
    context.log.warn(
      { err: error, holds: batch.length },
      'the ledger could not reach the database',
    );
    for (const entry of batch) entry.id = newId();
    return batch;
  }
}

/** One that cannot be held must not keep the others of its batch from being. */
async function holdOneByOne(
  context: LedgerContext,
  batch: readonly Entry[],
  discard: (holdId: string) => void,
): Promise<Entry[]> {
  const again: Entry[] = [];
  for (const entry of batch) again.push(...(await holdBatch(context, [entry], discard)));
  return again;
}

function resolveBatch(
  context: LedgerContext,
  batch: readonly Entry[],
  options: { answer: Answer; discard: (holdId: string) => void },
): void {
  const { answer, discard } = options;
  const createdAt = new Date(answer.now);
  const refusals = new Map(answer.refusals.map((refusal) => [refusal.id, refusal]));
  for (const entry of batch) {
    const refusal = refusals.get(entry.id);
    if (refusal) entry.reject(refusalError(refusal, entry.request, entry.amount));
    else if (entry.abandoned) discard(entry.id);
    else {
      const { id, request, amount } = entry;
      entry.resolve({ id, request, amount, createdAt });
    }
  }
  context.announce(answer.alerts.map(alertFromJson));
}

async function askForRoom(context: LedgerContext, batch: readonly Entry[]): Promise<Answer> {
  const subjects = new Subjects();
  const requests = batch.map((entry) => toRow(entry, subjects));
  const [row] = await context.database.query<{ answer: Answer }>(
    `SELECT ledger_hold($1::jsonb, $2::text[], $3::text[], $4::numeric[], $5::uuid, $6, $7, $8::timestamptz) AS answer`,
    [
      JSON.stringify(requests),
      subjects.scopes,
      subjects.names,
      subjects.limits,
      context.serverId,
      context.timeZone,
      context.allowUnknownPrice,
      context.now(),
    ],
  );
  return row!.answer;
}

/** All subjects of a batch, each once. */
class Subjects {
  readonly scopes: string[] = [];
  readonly names: string[] = [];
  readonly limits: (Usd | null)[] = [];
  readonly #places = new Map<string, number>();

  /** The subject's place, from 1. `limit` is that of a run that has one of its own. */
  placeOf({ scope, subject }: Charge, limit: Usd | null): number {
    const key = `${scope} ${subject}`;
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    this.scopes.push(scope);
    this.names.push(subject);
    this.limits.push(scope === 'RUN' ? limit : null);
    this.#places.set(key, this.names.length);
    return this.names.length;
  }
}

function toRow({ id, request, amount, charges }: Entry, subjects: Subjects): object {
  const { runId, userId, ...tag } = request.tag;
  const estimate: HoldEstimate = {
    ...tag,
    provider: request.provider,
    model: request.model,
    estimatedInputTokens: request.estimatedInputTokens,
    maxTokens: request.maxTokens,
    embedding: request.embedding ?? false,
  };
  return {
    id,
    runId,
    userId,
    amount,
    scopes: charges.map(({ scope }) => scope),
    subjects: charges.map(({ subject }) => subject),
    places: charges.map((charge) => subjects.placeOf(charge, request.envelope?.limit ?? null)),
    amounts: charges.map((charge) => charge.amount),
    provisional: request.provisional ?? false,
    estimate,
  };
}

/** Not the model's fault, but the caller's way out is the same: nothing was called, the same call may succeed later. */
const unavailable = (): DomainError<'MODEL_UNAVAILABLE'> =>
  new DomainError(
    'MODEL_UNAVAILABLE',
    'The database that keeps the accounts cannot be reached, so no model was called; try again shortly.',
  );
