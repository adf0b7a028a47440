import { isDomainError } from '../../kernel/errors.ts';
import type { ModelSink } from '../../kernel/model.ts';
import type { OutputSelection } from '../../kernel/output-selection.ts';
import type { CacheMode } from '../../kernel/run.ts';
import { type PlacedCitation, SharedAnswer } from '../../model/cache/shared-answer.ts';
import type { StartFlight } from '../../model/cache/single-flight.ts';
import type { CachedAnswer } from '../../model/models.ts';
import { outputJsonSchema } from '../../model/providers/output-schema.ts';
import { findWiderAnswer, keepSelection } from '../output/wider-answers.ts';
import type { RunServices } from '../run-services.ts';
import {
  askGates,
  type Billing,
  type CallFinish,
  type CallRequest,
  type MeteredCall,
  meteredCall,
} from './metered-call.ts';
import { isOutput } from './model-output.ts';

export type CacheScope = 'user' | 'deployment';

export interface CachedRequest extends CallRequest {
  mode: CacheMode;
  /** Of a prompt's own field: what is asked of the output, and the call that would ask for all of it. */
  selected?: { selection: OutputSelection; whole: CallRequest['call'] } | null;
}

interface CachedCall extends MeteredCall {
  request: CachedRequest;
}

type CachedMeteredCall = CachedCall & { sink: SharedAnswer };

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
 * A caller who did not make the call pays nothing and is recorded as a hit. Only whole answers of the first model are
 * kept: nothing failed, truncated, refused or degraded, and nothing that is not of the schema that was asked for.
 */
export async function cachedCall(
  { billing, request: asked, sink }: CachedCall,
  services: RunServices,
): Promise<CallFinish> {
  const request = await askGates(billing, asked, services);
  if (request.mode === 'BYPASS') return meteredCall({ billing, request, sink }, services);
  const key = keyFor(billing.tag.userId, request, services);
  if (request.mode === 'DEFAULT') return sharedCall({ billing, request, sink }, key, services);
  const answer = new SharedAnswer();
  answer.add(sink);
  return storedCall({ billing, request, sink: answer }, key, services);
}

/**
 * Looks the answer up, or makes the call, for everyone who asks the same meanwhile; or joins the one who does. The
 * look-up is part of the flight: outside it, one that is slow could miss both the flight and the answer it stored. A
 * caller who would fall back to other models is on another flight: those models might be none of the others' choice.
 *
 * The first one pays, and may leave before the call ends: the bill is then settled under its run all the same.
 */
async function sharedCall(
  { billing, request, sink }: CachedCall,
  key: string,
  services: RunServices,
): Promise<CallFinish> {
  const startedAt = Date.now();
  const flight = services.cache.keyOf({ key, chain: request.chain });
  let pays = false;
  let here = true;
  const onUsage: Billing['onUsage'] = (...usage) => {
    if (here) billing.onUsage(...usage);
  };
  const start: StartFlight<CallFinish> = (answer, signal, deadlineAt) => {
    pays = true;
    const shared = { ...billing, signal, deadlineAt, onUsage };
    return answerOrCall({ billing: shared, request, sink: answer }, key, services);
  };
  try {
    const { signal, deadlineAt } = billing;
    const finish = await services.sharedCalls.share(flight, start, { signal, deadlineAt, sink });
    if (pays && !finish.cached) return finish;
    const { model, provider } = finish;
    const durationMs = Date.now() - startedAt;
    services.writer.recordCacheHit(billing.tag, { provider, model, durationMs });
    return hitFinish(finish);
  } catch (error) {
    // The budget of another caller binds nobody else. It refuses before the first word.
    if (pays || !isDomainError(error, 'BUDGET_EXCEEDED')) throw error;
    return await sharedCall({ billing, request, sink }, key, services);
  } finally {
    here = false;
  }
}

async function answerOrCall(
  asked: CachedMeteredCall,
  key: string,
  services: RunServices,
): Promise<CallFinish> {
  const answer =
    (await services.cache.get(key)) ??
    (await findWiderAnswer(wideRequest(asked, services), services.cache));
  if (!answer) return storedCall(asked, key, services);
  const { model, provider, text, citations } = answer;
  asked.sink.start(model);
  replay(text, citations as PlacedCitation[], asked.sink);
  const stopReason = answer.stopReason as CallFinish['stopReason'];
  const message = { role: 'assistant' as const, content: [{ type: 'text' as const, text }] };
  return hitFinish({ model, provider, stopReason, message, degraded: false });
}

/**
 * Users have a cache each, unless the deployment shares one: an answer from another's cache would say that they have
 * asked, and what they were answered.
 */
function keyFor(userId: string, request: CallRequest, services: RunServices): string {
  const owner = services.cacheScope === 'deployment' ? null : userId;
  return services.cache.keyOf({ ...identityOf(request, services), owner });
}

/** Under which key the selections of the same call are kept that have an answer. Null: the call selects nothing. */
function wideRequest({ billing, request }: CachedMeteredCall, services: RunServices) {
  if (!request.selected) return null;
  const { selection, whole: call } = request.selected;
  const key = keyFor(billing.tag.userId, { call, chain: request.chain }, services);
  return { selection, key: services.cache.keyOf({ selectionsOf: key }) };
}

/**
 * Everything that changes the answer, and where it comes from. A schema is known by what the model is told of it; the
 * deadline and the billing are not part.
 */
function identityOf({ call, chain }: CallRequest, { models }: RunServices) {
  const { outputSchema, ...rest } = call;
  const model = chain[0]!;
  const output = outputSchema ? outputJsonSchema(outputSchema) : null;
  return { ...rest, model, from: models.identityOf(model), output };
}

async function storedCall(
  asked: CachedMeteredCall,
  key: string,
  services: RunServices,
): Promise<CallFinish> {
  const finish = await meteredCall(asked, services);
  const { said: text, citations } = asked.sink;
  if (isWorthKeeping(finish, text, asked.request)) {
    await store(key, { ...finish, text, citations }, services);
    await keepSelection(wideRequest(asked, services), key, services.cache);
  }
  return finish;
}

/** Keeps a user's repaired answer in the place of the one that was not of the schema of `request`. */
export async function keepRepaired(
  request: CachedRequest,
  { finish, text, userId }: { finish: CallFinish; text: string; userId: string },
  services: RunServices,
): Promise<void> {
  if (request.mode === 'BYPASS' || !isWorthKeeping(finish, text, request)) return;
  const key = keyFor(userId, request, services);
  await store(key, { ...finish, text, citations: [] }, services);
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

function replay(text: string, citations: readonly PlacedCitation[], sink: ModelSink): void {
  let done = 0;
  for (const { at, citation } of citations) {
    if (at > done) sink.text(text.slice(done, at));
    done = Math.max(done, at);
    sink.citation(citation);
  }
  if (done < text.length) sink.text(text.slice(done));
}

function hitFinish(
  answer: Pick<CallFinish, 'model' | 'provider' | 'stopReason' | 'message' | 'degraded'>,
): CallFinish {
  const { model, provider, stopReason, message, degraded } = answer;
  const free = { usage: nothing, cost: '0', cached: true, degraded, whole: true };
  return {
    model,
    provider,
    stopReason,
    message,
    ...free,
    refusal: null,
    timeToFirstTokenMs: null,
  };
}
