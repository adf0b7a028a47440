import type { Dispatcher } from 'undici';
import { z } from 'zod';
import { type DomainError, isDomainError } from '../../../kernel/errors.ts';
import type { Log } from '../../../kernel/log.ts';
import type { ModelEvent, ModelProvider } from '../../../kernel/model.ts';
import { estimateInputTokens } from '../../token-estimate.ts';
import { createLeanFetch, type LeanFetch, type LeanResponse } from '../lean-fetch.ts';
import { providerError } from '../provider-error.ts';
import { providerIdentity } from '../provider-identity.ts';
import { openAiError } from './openai-error.ts';
import { openAiRequest } from './openai-request.ts';
import { parseJson, readOpenAiStream } from './openai-stream.ts';
import { OpenAiTurn } from './openai-turn.ts';

export interface OpenAiProviderOptions {
  /** Some servers on one's own machine want none. */
  apiKey?: string | undefined;
  /** Up to before "/chat/completions". Default: OpenAI's own. */
  baseURL?: string | undefined;
  log: Log;
  /** Default "openai": the prefix of its models' names. */
  name?: string;
  dispatcher?: Dispatcher;
}

const openAiURL = 'https://api.openai.com/v1';

const modelList = z.looseObject({ data: z.array(z.looseObject({ id: z.string() })) });

/**
 * Any server that speaks OpenAI's chat completions. Without the `openai` package: of its several megabytes this would
 * use one request and the event stream, and its retries and timeouts would have to be switched off again.
 */
export function createOpenAiProvider(options: OpenAiProviderOptions): ModelProvider {
  const { apiKey, name = 'openai', log } = options;
  const baseURL = (options.baseURL ?? openAiURL).replace(/\/+$/, '');
  const http = createLeanFetch({ dispatcher: options.dispatcher });
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}),
  };
  const maxTokensField = baseURL === openAiURL ? 'max_completion_tokens' : 'max_tokens';
  return {
    name,
    identity: providerIdentity(baseURL),
    async *stream(call, { signal, onActivity, log: callLog = log }) {
      signal.throwIfAborted();
      const whose = { provider: name, model: call.model };
      const body = JSON.stringify(openAiRequest(call, { maxTokensField }));
      const turn = new OpenAiTurn({ ...whose, estimateInput: () => estimateInputTokens(call) });
      const answer = { began: false };
      const init = { method: 'POST', headers, body, signal, ...(onActivity ? { onActivity } : {}) };
      try {
        const response = await http.fetch(`${baseURL}/chat/completions`, init);
        if (!response.ok) throw await errorOf(response, whose, callLog);
        yield* readTurn(turn, { response, whose, answer });
      } catch (error) {
        if (turn.finished) return;
        if (answer.began) yield turn.bill();
        throw signal.aborted ? signal.reason : failureOf(error, whose, callLog);
      }
    },
    estimateInputTokens,
    listModels: (signal) => listModels(http, `${baseURL}/models`, { name, headers, log, signal }),
    close: () => http.close(),
  };
}

interface Whose {
  provider: string;
  model: string;
}

async function* readTurn(
  turn: OpenAiTurn,
  { response, whose, answer }: { response: LeanResponse; whose: Whose; answer: { began: boolean } },
): AsyncGenerator<ModelEvent, void> {
  for await (const chunk of readOpenAiStream(response.body, whose)) {
    if (chunk === null) {
      yield* closing(turn, whose);
      continue;
    }
    if (!answer.began) {
      answer.began = true;
      const id = response.headers.get('x-request-id');
      const model = chunk.model ?? whose.model;
      yield { type: 'start', model, ...(id ? { providerRequestId: id } : {}) };
    }
    yield* turn.take(chunk);
  }
  // Some servers leave "[DONE]" out.
  if (!turn.finished) yield* closing(turn, whose);
}

function* closing(turn: OpenAiTurn, whose: Whose): Generator<ModelEvent, void> {
  if (!turn.stopped) throw providerError({ kind: 'broken_stream', ...whose });
  const bill = turn.bill();
  if (bill.estimated) yield bill;
  yield turn.finish();
}

async function errorOf(response: LeanResponse, whose: Whose, log: Log): Promise<DomainError> {
  const { status, headers } = response;
  log.warn({ ...whose, status }, 'model provider answered with an error');
  const body = parseJson(await response.text());
  return openAiError({ ...whose, status, body, header: (name) => headers.get(name) });
}

function failureOf(error: unknown, whose: Whose, log: Log): DomainError {
  if (isDomainError(error)) return error;
  const code = error instanceof Error && 'code' in error ? error.code : 'unknown';
  log.warn({ ...whose, cause: code }, 'connection to model provider failed');
  const kind = code === 'UND_ERR_CONNECT_TIMEOUT' ? 'timed_out' : 'unreachable';
  return providerError({ kind, ...whose });
}

interface Asking {
  name: string;
  headers: Record<string, string>;
  log: Log;
  signal: AbortSignal | undefined;
}

async function listModels(http: LeanFetch, url: string, { name, headers, log, signal }: Asking) {
  const whose = { provider: name, model: 'any model' };
  try {
    const response = await http.fetch(url, { headers, ...(signal ? { signal } : {}) });
    if (!response.ok) throw await errorOf(response, whose, log);
    return modelList.parse(await response.json()).data.map(({ id }) => ({ id }));
  } catch (error) {
    signal?.throwIfAborted();
    throw failureOf(error, whose, log);
  }
}
