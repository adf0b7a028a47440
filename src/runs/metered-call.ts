import type { HookContext } from '../kernel/hooks.ts';
import type {
  AssistantMessage,
  ModelCall,
  ModelCitation,
  ModelUsage,
  StopReason,
} from '../kernel/model.ts';
import type { Usd } from '../kernel/prices.ts';
import type { TokenUsage } from '../kernel/run.ts';
import type { CallOutcome, Hold, UsageRecordRow, UsageTag } from '../ledger/ledger.ts';
import type { AttemptReport, ModelName } from '../model/models.ts';
import type { RunRooms } from './run-rooms.ts';
import { unlessAborted } from './unless-aborted.ts';

/** Who pays for a model call, and how long it may take. */
export interface Payer {
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
 * Asks the plugins' gates whether this caller may make the call. Rejects as the first that refuses, or as soon as the
 * caller's run is stopped.
 */
export async function askGates(
  payer: Payer,
  { call, chain }: CallRequest,
  { hooks }: RunRooms,
): Promise<void> {
  const asked = hooks.gate({ ...call, model: chain[0]! }, hookContext(payer));
  await unlessAborted(asked, payer.signal);
}

/**
 * One model call that is paid for and was let through: the hold, the call, the settlement of every attempt that was
 * billed. The usage is recorded however the call ends, before the last event is given out or the error is thrown.
 */
export async function* meteredCall(
  payer: Payer,
  request: CallRequest,
  rooms: RunRooms,
): AsyncGenerator<CallEvent, void> {
  const { models, ledger } = rooms;
  const { signal, deadlineAt } = payer;
  const context = hookContext(payer);
  signal.throwIfAborted();
  const hold = await ledger.hold(holdRequest(payer, request, rooms));
  const attempts: AttemptReport[] = [];
  const settlement: { row: UsageRecordRow | null } = { row: null };
  let finish: Omit<CallFinish, 'usage' | 'cost' | 'whole'> | null = null;
  let degraded = false;
  let told = -1;
  let model = request.chain[0]!;
  try {
    for await (const event of models.stream({ ...request, signal, deadlineAt })) {
      if (event.type === 'attempt') {
        attempts.push(event.attempt);
        degraded = event.degraded;
      } else if (event.type === 'start') {
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
        if (told !== attempts.length) payer.onUsage(hold.id, event.usage);
        told = attempts.length;
      } else yield event;
    }
  } finally {
    settlement.row = await settle(hold, attempts, ledger);
    tellPlugins(attempts, { context, heldAt: hold.createdAt }, rooms);
  }
  const last = attempts.at(-1);
  if (!finish || !last || !settlement.row)
    throw new Error('the model stream ended without its report');
  const { provider, timeToFirstTokenMs } = last;
  const { cost } = settlement.row;
  const usage = tokenUsageOf(settlement.row);
  const whole = attempts.filter(({ billed }) => billed).length === 1;
  yield { ...finish, provider, timeToFirstTokenMs, degraded, usage, cost, whole };
}

export function tokenUsageOf(row: TokenUsage): TokenUsage {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, estimated } = row;
  return { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, estimated };
}

function hookContext({ tag, signal }: Payer): HookContext {
  const { runId, kind, userId, requestId } = tag;
  return { runId, kind, userId, requestId, signal };
}

function holdRequest(payer: Payer, { call, chain }: CallRequest, { models, prices }: RunRooms) {
  const estimatedInputTokens = models.estimateInputTokens(call, chain);
  const now = new Date();
  const worst = (model: ModelName) =>
    Number(prices.worstCase(model, estimatedInputTokens, call.maxTokens, now) ?? Infinity);
  const model = chain.reduce((dearest, next) => (worst(next) > worst(dearest) ? next : dearest));
  const { tag, envelope } = payer;
  return {
    tag,
    provider: providerOf(model),
    model,
    estimatedInputTokens,
    maxTokens: call.maxTokens,
    envelope,
  };
}

const providerOf = (model: ModelName) =>
  model.includes('/') ? model.split('/', 1)[0]! : 'anthropic';

/** Every attempt that was billed is one usage record; a call that was never billed only gives its room back. */
async function settle(
  hold: Hold,
  attempts: readonly AttemptReport[],
  ledger: RunRooms['ledger'],
): Promise<UsageRecordRow | null> {
  const billed = attempts.filter((attempt) => attempt.billed).map(outcomeOf);
  const last = billed.pop();
  if (last) return ledger.settle(hold, last, billed);
  await ledger.release(hold);
  return null;
}

function outcomeOf(attempt: AttemptReport): CallOutcome {
  const { provider, model, usage, estimated, status, durationMs, timeToFirstTokenMs } = attempt;
  return { provider, model, usage, estimated, status, durationMs, timeToFirstTokenMs };
}

/** The cost of each attempt is what its usage record says: by the prices of the moment at which room was held. */
function tellPlugins(
  attempts: readonly AttemptReport[],
  { context, heldAt }: { context: HookContext; heldAt: Date },
  { hooks, prices }: RunRooms,
): void {
  for (const { model, usage, status, durationMs, billed } of attempts) {
    const cost = billed ? prices.costOf(model, usage, heldAt) : '0';
    hooks.tell('afterModelCall', { model, usage, cost, status, durationMs }, context);
  }
}
