import type { HookContext } from '../../kernel/hooks.ts';
import type {
  AssistantMessage,
  ModelCall,
  ModelCitation,
  ModelUsage,
  StopReason,
} from '../../kernel/model.ts';
import type { Usd } from '../../kernel/prices.ts';
import type { TokenUsage } from '../../kernel/run.ts';
import { untilAborted } from '../../kernel/until-aborted.ts';
import type { CallOutcome, Hold, UsageRecordRow, UsageTag } from '../../ledger/ledger.ts';
import type { AttemptReport, ModelName } from '../../model/models.ts';
import type { RunServices } from '../run-services.ts';
import { holdCall } from './hold-call.ts';

/** Who pays for a model call, and how long it may take. */
export interface Billing {
  tag: UsageTag;
  signal: AbortSignal;
  deadlineAt: Date;
  envelope: { runId: string; limit: Usd } | null;
  /** Told once for each attempt, with what the provider bills for the input. */
  onUsage(holdId: string, usage: ModelUsage): void;
}

export interface CallRequest {
  call: Omit<ModelCall, 'model'>;
  chain: readonly ModelName[];
}

export interface CallFinish {
  type: 'finish';
  model: ModelName;
  provider: string;
  stopReason: StopReason;
  refusal: string | null;
  message: AssistantMessage;
  usage: TokenUsage;
  cost: Usd | null;
  cached: boolean;
  degraded: boolean;
  timeToFirstTokenMs: number | null;
  /** `usage` and `cost` are all that was recorded for the call: no earlier attempt was billed. */
  whole: boolean;
}

export type CallEvent =
  | { type: 'start'; model: ModelName }
  | { type: 'text'; text: string }
  | { type: 'thinking'; text: string }
  | { type: 'citation'; citation: ModelCitation }
  | CallFinish;

/**
 * Asks the plugins' gates whether this caller may call each model of the chain. Resolves with the request without the
 * fallback models that were refused. Rejects as the gate that refuses the first model, or as soon as the caller's run is
 * stopped.
 */
export async function askGates<Request extends CallRequest>(
  billing: Billing,
  request: Request,
  { hooks }: RunServices,
): Promise<Request> {
  const ask = (model: ModelName): Promise<void> =>
    untilAborted(billing.signal, () =>
      hooks.gate({ ...request.call, model }, hookContext(billing)),
    );
  const [first, ...fallbacks] = request.chain;
  await ask(first!);
  const chain = [first!];
  for (const model of fallbacks) {
    await ask(model).then(
      () => chain.push(model),
      () => billing.signal.throwIfAborted(),
    );
  }
  return { ...request, chain };
}

/**
 * One model call that is paid for and was let through: the hold, the call, the settlement of every attempt that was
 * billed. The usage is recorded however the call ends, before the last event is given out or the error is thrown; an
 * attempt that fails is recorded before the next one, which needs room of its own.
 */
export async function* meteredCall(
  billing: Billing,
  request: CallRequest,
  services: RunServices,
): AsyncGenerator<CallEvent, void> {
  const { models } = services;
  const { signal, deadlineAt } = billing;
  const { runId, requestId } = billing.tag;
  const log = services.log.child({ runId, requestId });
  signal.throwIfAborted();
  const tab = await openBilling(() => holdCall(billing, request, services), services.ledger);
  const attempts: PaidAttempt[] = [];
  let finish: Omit<CallFinish, 'usage' | 'cost' | 'whole'> | null = null;
  let degraded = false;
  let told = -1;
  let model = request.chain[0]!;
  try {
    for await (const event of models.stream({ ...request, signal, deadlineAt, log })) {
      if (event.type === 'attempt') {
        const attempt: PaidAttempt = { ...event.attempt, cost: '0' };
        attempts.push(attempt);
        degraded = event.degraded;
        const row = await tab.settle(attempt);
        if (row) attempt.cost = row.cost;
      } else if (event.type === 'retry') await tab.holdAgain();
      else if (event.type === 'start') {
        model = event.model;
        yield { type: 'start', model };
      } else if (event.type === 'finish') {
        const { stopReason, message, refusal = null } = event;
        const answer = { type: 'finish', stopReason, message, refusal } as const;
        finish = {
          ...answer,
          model,
          provider: '',
          cached: false,
          degraded,
          timeToFirstTokenMs: null,
        };
      } else if (event.type === 'usage') {
        if (told !== attempts.length) billing.onUsage(tab.holdId(), event.usage);
        told = attempts.length;
      } else yield event;
    }
  } finally {
    await tab.close();
    tellPlugins(attempts, hookContext(billing), services);
  }
  const last = attempts.at(-1);
  const row = tab.row();
  if (!finish || !last || !row) throw new Error('the model stream ended without its report');
  const { provider, timeToFirstTokenMs } = last;
  const { cost } = row;
  const usage = tokenUsageOf(row);
  const whole = attempts.filter(({ billed }) => billed).length === 1;
  yield { ...finish, provider, timeToFirstTokenMs, degraded, usage, cost, whole };
}

export function tokenUsageOf(row: TokenUsage): TokenUsage {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, estimated } = row;
  return { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, estimated };
}

function hookContext({ tag, signal }: Billing): HookContext {
  const { runId, kind, userId, requestId } = tag;
  return { runId, kind, userId, requestId, signal };
}

/** The room that the attempts of one call are held and settled under, one at a time. */
async function openBilling(holdRoom: () => Promise<Hold>, ledger: RunServices['ledger']) {
  let hold: Hold | null = await holdRoom();
  let holdId = hold.id;
  let row: UsageRecordRow | null = null;
  return {
    /** Of the attempt under way, or the last one. */
    holdId: (): string => holdId,
    /** The last attempt that was billed. */
    row: (): UsageRecordRow | null => row,
    /** At once, so that a server that dies before the next attempt has this one in its books. Null: nothing was billed. */
    async settle(attempt: AttemptReport): Promise<UsageRecordRow | null> {
      if (!hold || !attempt.billed) return null;
      const settled = hold;
      hold = null;
      row = await ledger.settle(settled, outcomeOf(attempt));
      return row;
    },
    /** What the last attempt was billed has used its room up. Rejects with BUDGET_EXCEEDED. */
    async holdAgain(): Promise<void> {
      hold ??= await holdRoom();
      holdId = hold.id;
    },
    /** Gives room back under which nothing was billed. */
    async close(): Promise<void> {
      if (hold) await ledger.release(hold);
    },
  };
}

function outcomeOf(attempt: AttemptReport): CallOutcome {
  const { provider, model, usage, estimated, status, durationMs, timeToFirstTokenMs } = attempt;
  return { provider, model, usage, estimated, status, durationMs, timeToFirstTokenMs };
}

/** An attempt with what its usage record says that it cost; "0" where nothing was billed. */
type PaidAttempt = AttemptReport & { cost: Usd | null };

function tellPlugins(
  attempts: readonly PaidAttempt[],
  context: HookContext,
  { hooks }: RunServices,
): void {
  for (const { model, usage, cost, status, durationMs } of attempts)
    hooks.tell('afterModelCall', { model, usage, cost, status, durationMs }, context);
}
