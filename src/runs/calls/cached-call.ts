import { isDomainError } from '../../kernel/errors.ts';
import type { ModelCitation } from '../../kernel/model.ts';
import type { CacheMode } from '../../kernel/run.ts';
import type { SingleFlight, StartFlight } from '../../model/cache/single-flight.ts';
import type { CachedAnswer } from '../../model/models.ts';
import { outputJsonSchema } from '../../model/providers/output-schema.ts';
import type { RunServices } from '../run-services.ts';
import {
  askGates,
  type Billing,
  type CallEvent,
  type CallFinish,
  type CallRequest,
  meteredCall,
} from './metered-call.ts';
import { isOutput } from './model-output.ts';

export type SharedCalls = SingleFlight<CallEvent>;

export interface CachedRequest extends CallRequest {
  mode: CacheMode;
}

const nothing = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  estimated: false,
};

/**
 * A model call whose answer may be served again, once plugins' gates have let this caller through. `DEFAULT` answers
 * from the cache, else joins an identical call in flight, else calls; `REFRESH` calls and stores; `BYPASS` only calls.
 * Who did not make the call pays nothing and is recorded as a hit. Only whole answers of the first model are kept:
 * nothing failed, truncated, refused or degraded, and nothing that is not of the schema that was asked for.
 */
export async function* cachedCall(
  billing: Billing,
  asked: CachedRequest,
  services: RunServices,
): AsyncGenerator<CallEvent, void> {
  const request = await askGates(billing, asked, services);
  if (request.mode === 'BYPASS') return yield* meteredCall(billing, request, services);
  const key = services.cache.keyOf(identityOf(request, services));
  if (request.mode === 'REFRESH') return yield* storedCall(billing, { request, key }, services);
  yield* sharedCall(billing, { request, key, startedAt: Date.now() }, services);
}

/**
 * Looks the answer up, or makes the call, for everyone who asks the same meanwhile; or joins the one who does. The
 * look-up is part of the flight: outside it, one that is slow could miss both the flight and the answer it stored. Who
 * would fall back to other models is on another flight: those models might be none of the others' choice.
 *
 * The first one pays, and may leave before the call ends: the bill is then settled under its run all the same.
 */
async function* sharedCall(
  billing: Billing,
  asked: { request: CallRequest; key: string; startedAt: number },
  services: RunServices,
): AsyncGenerator<CallEvent, void> {
  const { request, key, startedAt } = asked;
  let told = false;
  let pays = false;
  let here = true;
  const onUsage: Billing['onUsage'] = (...usage) => {
    if (here) billing.onUsage(...usage);
  };
  const start: StartFlight<CallEvent> = (signal, deadlineAt) => {
    pays = true;
    return answerOrCall({ ...billing, signal, deadlineAt, onUsage }, { request, key }, services);
  };
  const flight = services.cache.keyOf({ key, chain: request.chain });
  const shared = services.sharedCalls.share(flight, start, billing.deadlineAt);
  try {
    for await (const event of untilAborted(shared, billing.signal)) {
      told = true;
      if (event.type !== 'finish' || (pays && !event.cached)) yield event;
      else {
        await recordHit(
          billing,
          { model: event.model, provider: event.provider, startedAt },
          services,
        );
        yield hitFinish(event);
      }
    }
  } catch (error) {
    // The budget of whoever made the shared call binds nobody else.
    if (pays || told || !isDomainError(error, 'BUDGET_EXCEEDED')) throw error;
    yield* sharedCall(billing, asked, services);
  } finally {
    here = false;
  }
}

async function* answerOrCall(
  billing: Billing,
  { request, key }: { request: CallRequest; key: string },
  services: RunServices,
): AsyncGenerator<CallEvent, void> {
  const answer = await services.cache.get(key);
  if (!answer) return yield* storedCall(billing, { request, key }, services);
  const { model, provider, text, citations } = answer;
  yield { type: 'start', model };
  yield* replay(text, citations as PlacedCitation[]);
  const stopReason = answer.stopReason as CallFinish['stopReason'];
  const message = { role: 'assistant' as const, content: [{ type: 'text' as const, text }] };
  yield hitFinish({ model, provider, stopReason, message, degraded: false });
}

interface PlacedCitation {
  /** Behind how many characters of the text it came. */
  at: number;
  citation: ModelCitation;
}

/**
 * Everything that changes the answer, and where it comes from. A schema is known by what the model is told of it; the
 * deadline and the billing are not part.
 */
function identityOf({ call, chain }: CallRequest, { models }: RunServices): unknown {
  const { outputSchema, ...rest } = call;
  const model = chain[0]!;
  const output = outputSchema ? outputJsonSchema(outputSchema) : null;
  return { ...rest, model, from: models.identityOf(model), output };
}

async function* storedCall(
  billing: Billing,
  { request, key }: { request: CallRequest; key: string },
  services: RunServices,
): AsyncGenerator<CallEvent, void> {
  let text = '';
  const citations: PlacedCitation[] = [];
  for await (const event of meteredCall(billing, request, services)) {
    if (event.type === 'text') text += event.text;
    if (event.type === 'citation') citations.push({ at: text.length, citation: event.citation });
    if (event.type === 'finish' && isWorthKeeping(event, text, request)) {
      await store(key, { ...event, text, citations }, services);
    }
    yield event;
  }
}

/** Keeps a repaired answer in the place of the one that `request` was given and that was not of its schema. */
export async function keepRepaired(
  request: CachedRequest,
  { finish, text }: { finish: CallFinish; text: string },
  services: RunServices,
): Promise<void> {
  if (request.mode === 'BYPASS' || !isWorthKeeping(finish, text, request)) return;
  await store(
    services.cache.keyOf(identityOf(request, services)),
    { ...finish, text, citations: [] },
    services,
  );
}

function isWorthKeeping(
  { stopReason, degraded }: CallFinish,
  text: string,
  { call }: CallRequest,
): boolean {
  if (stopReason !== 'end_turn' || degraded) return false;
  return call.outputSchema === undefined || isOutput(text, call.outputSchema);
}

async function store(
  key: string,
  { model, provider, text, stopReason, citations }: CachedAnswer,
  { cache, log }: RunServices,
): Promise<void> {
  await cache
    .set(key, { model, provider, text, stopReason, citations })
    .catch((error: unknown) => log.warn({ err: error }, 'answer not cached'));
}

function* replay(text: string, citations: readonly PlacedCitation[]): Generator<CallEvent> {
  let told = 0;
  for (const { at, citation } of citations) {
    if (at > told) yield { type: 'text', text: text.slice(told, at) };
    told = Math.max(told, at);
    yield { type: 'citation', citation };
  }
  if (told < text.length) yield { type: 'text', text: text.slice(told) };
}

function hitFinish(
  answer: Pick<CallFinish, 'model' | 'provider' | 'stopReason' | 'message' | 'degraded'>,
): CallFinish {
  const { model, provider, stopReason, message, degraded } = answer;
  const free = { usage: nothing, cost: '0', cached: true, degraded, whole: true };
  return {
    type: 'finish',
    model,
    provider,
    stopReason,
    message,
    ...free,
    refusal: null,
    timeToFirstTokenMs: null,
  };
}

async function recordHit(
  billing: Billing,
  { model, provider, startedAt }: { model: string; provider: string; startedAt: number },
  { ledger }: RunServices,
): Promise<void> {
  await ledger.recordCacheHit(billing.tag, { provider, model, durationMs: Date.now() - startedAt });
}

/** Leaves a shared call at once when this caller's own run is stopped, also while the call is silent. */
async function* untilAborted<Item>(
  items: AsyncIterable<Item>,
  signal: AbortSignal,
): AsyncGenerator<Item, void> {
  const iterator = items[Symbol.asyncIterator]();
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {});
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    while (true) {
      signal.throwIfAborted();
      const step = await Promise.race([iterator.next(), aborted.promise]);
      if (step.done) return;
      yield step.value;
    }
  } finally {
    signal.removeEventListener('abort', abort);
    await iterator.return?.();
  }
}
