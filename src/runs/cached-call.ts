import { isDomainError } from '../kernel/errors.ts';
import type { ModelCitation } from '../kernel/model.ts';
import type { CacheMode } from '../kernel/run.ts';
import type { CachedAnswer } from '../model/models.ts';
import { outputJsonSchema } from '../model/output-schema.ts';
import type { SingleFlight, StartFlight } from '../model/single-flight.ts';
import {
  askGates,
  type CallEvent,
  type CallFinish,
  type CallRequest,
  meteredCall,
  type Payer,
} from './metered-call.ts';
import { isOutput } from './model-output.ts';
import type { RunRooms } from './run-rooms.ts';

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
  payer: Payer,
  asked: CachedRequest,
  rooms: RunRooms,
): AsyncGenerator<CallEvent, void> {
  const request = await askGates(payer, asked, rooms);
  if (request.mode === 'BYPASS') return yield* meteredCall(payer, request, rooms);
  const key = rooms.cache.keyOf(identityOf(request, rooms));
  if (request.mode === 'REFRESH') return yield* storedCall(payer, { request, key }, rooms);
  yield* sharedCall(payer, { request, key, startedAt: Date.now() }, rooms);
}

/**
 * Looks the answer up, or makes the call, for everyone who asks the same meanwhile; or joins the one who does. The
 * look-up is part of the flight: outside it, one that is slow could miss both the flight and the answer it stored. Who
 * would fall back to other models is on another flight: those models might be none of the others' choice.
 *
 * The first one pays, and may leave before the call ends: the bill is then settled under its run all the same.
 */
async function* sharedCall(
  payer: Payer,
  asked: { request: CallRequest; key: string; startedAt: number },
  rooms: RunRooms,
): AsyncGenerator<CallEvent, void> {
  const { request, key, startedAt } = asked;
  let told = false;
  let pays = false;
  let here = true;
  const onUsage: Payer['onUsage'] = (...usage) => {
    if (here) payer.onUsage(...usage);
  };
  const start: StartFlight<CallEvent> = (signal, deadlineAt) => {
    pays = true;
    return answerOrCall({ ...payer, signal, deadlineAt, onUsage }, { request, key }, rooms);
  };
  const flight = rooms.cache.keyOf({ key, chain: request.chain });
  const shared = rooms.sharedCalls.share(flight, start, payer.deadlineAt);
  try {
    for await (const event of untilAborted(shared, payer.signal)) {
      told = true;
      if (event.type !== 'finish' || (pays && !event.cached)) yield event;
      else {
        await recordHit(payer, { model: event.model, provider: event.provider, startedAt }, rooms);
        yield hitFinish(event);
      }
    }
  } catch (error) {
    // The budget of whoever made the shared call binds nobody else.
    if (pays || told || !isDomainError(error, 'BUDGET_EXCEEDED')) throw error;
    yield* sharedCall(payer, asked, rooms);
  } finally {
    here = false;
  }
}

async function* answerOrCall(
  payer: Payer,
  { request, key }: { request: CallRequest; key: string },
  rooms: RunRooms,
): AsyncGenerator<CallEvent, void> {
  const answer = await rooms.cache.get(key);
  if (!answer) return yield* storedCall(payer, { request, key }, rooms);
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
 * deadline and the payer are not part.
 */
function identityOf({ call, chain }: CallRequest, { models }: RunRooms): unknown {
  const { outputSchema, ...rest } = call;
  const model = chain[0]!;
  const output = outputSchema ? outputJsonSchema(outputSchema) : null;
  return { ...rest, model, from: models.identityOf(model), output };
}

async function* storedCall(
  payer: Payer,
  { request, key }: { request: CallRequest; key: string },
  rooms: RunRooms,
): AsyncGenerator<CallEvent, void> {
  let text = '';
  const citations: PlacedCitation[] = [];
  for await (const event of meteredCall(payer, request, rooms)) {
    if (event.type === 'text') text += event.text;
    if (event.type === 'citation') citations.push({ at: text.length, citation: event.citation });
    if (event.type === 'finish' && isWorthKeeping(event, text, request)) {
      await store(key, { ...event, text, citations }, rooms);
    }
    yield event;
  }
}

/** Keeps a mended answer in the place of the one that `request` was given and that was not of its schema. */
export async function keepMended(
  request: CachedRequest,
  { finish, text }: { finish: CallFinish; text: string },
  rooms: RunRooms,
): Promise<void> {
  if (request.mode === 'BYPASS' || !isWorthKeeping(finish, text, request)) return;
  await store(
    rooms.cache.keyOf(identityOf(request, rooms)),
    { ...finish, text, citations: [] },
    rooms,
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
  { cache, log }: RunRooms,
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
  payer: Payer,
  { model, provider, startedAt }: { model: string; provider: string; startedAt: number },
  { ledger }: RunRooms,
): Promise<void> {
  await ledger.recordCacheHit(payer.tag, { provider, model, durationMs: Date.now() - startedAt });
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
