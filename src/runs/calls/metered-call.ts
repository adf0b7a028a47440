import { assertAllows, type Scopes } from '../../kernel/access/scopes.ts';
import type { HookContext } from '../../kernel/hooks.ts';
import type {
  AssistantMessage,
  ModelCall,
  ModelSink,
  ModelUsage,
  StopReason,
} from '../../kernel/model.ts';
import type { Usd } from '../../kernel/prices.ts';
import type { TokenUsage } from '../../kernel/run.ts';
import { raceAbort } from '../../kernel/timing/race-abort.ts';
import type { CallOutcome, Hold, UsageRecordRow, UsageTag } from '../../ledger/ledger.ts';
import type { AttemptReport, ModelName } from '../../model/models.ts';
import type { RunServices } from '../run-services.ts';
import { holdCall } from './hold-call.ts';

/** Who pays for a model call, and how long it may take. */
export interface Billing {
  tag: UsageTag;
  /** Of the key that began the run. */
  scopes: Scopes | null;
  signal: AbortSignal;
  deadlineAt: Date;
  envelope: { runId: string; limit: Usd } | null;
  /** Called once for each attempt, with what the provider bills for the input. */
  onUsage(holdId: string, usage: ModelUsage): void;
}

export interface CallRequest {
  call: Omit<ModelCall, 'model'>;
  chain: readonly ModelName[];
}

export interface CallFinish {
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

export interface MeteredCall {
  billing: Billing;
  request: CallRequest;
  sink: ModelSink;
}

/**
 * Asks the key's scopes and the plugins' gates whether this caller may call each model of the chain. Resolves with the
 * request without the fallback models that were refused. Rejects as the gate that refuses the first model, with
 * RATE_LIMITED where the key's tokens are used up, or as soon as the caller's run is stopped.
 */
export async function askGates<Request extends CallRequest>(
  billing: Billing,
  request: Request,
  { hooks, keyLimits, models }: RunServices,
): Promise<Request> {
  const { scopes, tag } = billing;
  await keyLimits.assertTokens({ apiKeyId: tag.apiKeyId, scopes });
  const ask = async (model: ModelName): Promise<void> => {
    assertAllows(scopes, 'models', model);
    await raceAbort(billing.signal, () =>
      hooks.gate({ ...request.call, model }, hookContext(billing)),
    );
  };
  // The names under which the models are called, whatever the caller wrote.
  const [first, ...fallbacks] = new Set(request.chain.map((name) => models.resolve(name)));
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
 * billed. The usage is recorded however the call ends: with the next write of a run, so before any end of a run that
 * follows is told; an attempt that fails with the room of the next one.
 */
export async function meteredCall(
  { billing, request, sink }: MeteredCall,
  services: RunServices,
): Promise<CallFinish> {
  const { signal, deadlineAt } = billing;
  const { runId, requestId } = billing.tag;
  const log = services.log.child({ runId, requestId });
  signal.throwIfAborted();
  const tab = await openBilling(() => holdCall(billing, request, services), services.writer);
  const attempts: PaidAttempt[] = [];
  const onUsage = (usage: ModelUsage) => billing.onUsage(tab.holdId(), usage);
  const onAttempt = async (report: AttemptReport) => {
    const attempt: PaidAttempt = { ...report, cost: '0' };
    attempts.push(attempt);
    const row = tab.settle(attempt);
    if (row) attempt.cost = row.cost;
  };
  const onRetry = () => tab.holdAgain();
  try {
    const { userId } = billing.tag;
    const asked = { ...request, signal, deadlineAt, userId, log, onUsage, onAttempt, onRetry };
    const answer = await services.models.call(asked, sink);
    const row = tab.row();
    if (!row) throw new Error('the model answered without a bill');
    const whole = attempts.filter(({ billed }) => billed).length === 1;
    return { ...answer, usage: tokenUsageOf(row), cost: row.cost, cached: false, whole };
  } finally {
    tab.close();
    notifyPlugins(attempts, hookContext(billing), services);
  }
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
async function openBilling(holdRoom: () => Promise<Hold>, writer: RunServices['writer']) {
  let hold: Hold | null = await holdRoom();
  let holdId = hold.id;
  let row: UsageRecordRow | null = null;
  return {
    /** Of the attempt under way, or the last one. */
    holdId: (): string => holdId,
    /** The last attempt that was billed. */
    row: (): UsageRecordRow | null => row,
    /** Stored with the room of the next attempt, or with what the run writes next. Null: nothing was billed. */
    settle(attempt: AttemptReport): UsageRecordRow | null {
      if (!hold || !attempt.billed) return null;
      const settled = hold;
      hold = null;
      row = writer.settle(settled, outcomeOf(attempt));
      return row;
    },
    /** What the last attempt was billed has used its room up. Rejects with BUDGET_EXCEEDED. */
    async holdAgain(): Promise<void> {
      hold ??= await holdRoom();
      holdId = hold.id;
    },
    /** Gives room back under which nothing was billed. */
    close(): void {
      if (hold) writer.release(hold);
    },
  };
}

function outcomeOf(attempt: AttemptReport): CallOutcome {
  const { provider, model, usage, estimated, status, durationMs, timeToFirstTokenMs } = attempt;
  return { provider, model, usage, estimated, status, durationMs, timeToFirstTokenMs };
}

/** An attempt with what its usage record says that it cost; "0" where nothing was billed. */
type PaidAttempt = AttemptReport & { cost: Usd | null };

function notifyPlugins(
  attempts: readonly PaidAttempt[],
  context: HookContext,
  { hooks }: RunServices,
): void {
  for (const { model, usage, cost, status, durationMs } of attempts)
    hooks.notify('afterModelCall', { model, usage, cost, status, durationMs }, context);
}
