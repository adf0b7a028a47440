import type { Dispatcher } from 'undici';
import { z } from 'zod';
import { type DomainError, isDomainError } from '../../../kernel/errors.ts';
import type { Log } from '../../../kernel/log.ts';
import type { ModelCall, ModelInformation, ModelProvider } from '../../../kernel/model.ts';
import { estimateInputTokens } from '../../token-estimate.ts';
import { errorBody, unknownErrorBody } from '../error-body.ts';
import { parseJson } from '../json-fields.ts';
import { createLeanFetch, type LeanFetch, type LeanResponse } from '../lean-fetch.ts';
import { providerError } from '../provider-error.ts';
import { providerIdentity } from '../provider-identity.ts';
import { readAnswer } from '../read-answer.ts';
import { streamOfCall } from '../stream-of-call.ts';
import { adaptDialect, type OpenAiDialect } from './openai-dialect.ts';
import { openAiError } from './openai-error.ts';
import { openAiRequest } from './openai-request.ts';
import { OpenAiTurn } from './openai-turn.ts';
import { OutputUnwrapper } from './wrapped-output.ts';

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

/** Models whose dialect was learned; more than any server has. */
const maxDialects = 1_000;

/** Once for each matter of dialect. */
const maxTries = 5;

/**
 * Any server that speaks OpenAI's chat completions. Without the `openai` package: of its several megabytes this would
 * use one request and the event stream, and its retries and timeouts would have to be switched off again.
 */
export function createOpenAiProvider(options: OpenAiProviderOptions): ModelProvider {
  const { name = 'openai', log } = options;
  const server = createServer({ ...options, name });
  const call: NonNullable<ModelProvider['call']> = async (request, answering, sink) => {
    const own = { provider: name, model: request.model, log: answering.log ?? log };
    let isWrapped = false;
    return readAnswer({
      ...answering,
      sink,
      async open(signal) {
        const opened = await server.open(request, { signal, log: own.log });
        ({ isWrapped } = opened);
        return opened.response;
      },
      begin: ({ headers }) =>
        new OpenAiTurn({
          ...own,
          call: request,
          sink,
          requestId: headers.get('x-request-id'),
          secrets: server.secrets,
          unwrapper: isWrapped ? new OutputUnwrapper() : null,
        }),
      errorOf: (error) => failureOf(error, own),
    });
  };
  return {
    name,
    identity: providerIdentity(server.baseURL),
    call,
    stream: streamOfCall(call),
    estimateInputTokens,
    listModels: (signal) => server.listModels(signal),
    close: () => server.close(),
  };
}

interface Opened {
  response: LeanResponse;
  isWrapped: boolean;
}

/** The server behind the provider, with the dialects that it was found to speak. */
function createServer(options: OpenAiProviderOptions & { name: string }) {
  const { apiKey, name: provider } = options;
  const baseURL = (options.baseURL ?? openAiURL).replace(/\/+$/, '');
  const http = createLeanFetch({ dispatcher: options.dispatcher });
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (apiKey) headers['authorization'] = `Bearer ${apiKey}`;
  const secrets = apiKey ? [apiKey] : [];
  const dialects = new Map<string, OpenAiDialect>();
  const usual: OpenAiDialect = {
    maxTokensField: baseURL === openAiURL ? 'max_completion_tokens' : 'max_tokens',
    streamOptions: true,
    toolCallIds: 'any',
    extras: true,
  };
  const learn = (model: string, dialect: OpenAiDialect): void => {
    if (dialects.size >= maxDialects) dialects.clear();
    dialects.set(model, dialect);
  };
  return {
    baseURL,
    secrets,
    /** Sends a request, in the dialect that the server turns out to take. Rejects with a `DomainError`. */
    async open(
      call: ModelCall,
      { signal, log }: { signal: AbortSignal; log: Log },
    ): Promise<Opened> {
      const { model } = call;
      for (let tried = 1; ; tried += 1) {
        const dialect = dialects.get(model) ?? usual;
        const { body, isWrapped } = openAiRequest(call, { provider, dialect });
        const response = await http.fetch(`${baseURL}/chat/completions`, {
          method: 'POST',
          headers,
          body: JSON.stringify(body),
          signal,
        });
        if (response.ok) return { response, isWrapped };
        const error = await errorOf(response);
        const adapted = tried < maxTries ? adaptDialect(dialect, error) : null;
        if (!adapted) {
          const header = (field: string) => response.headers.get(field);
          const { status } = response;
          throw openAiError({ provider, model, status, body: error, header, log, secrets });
        }
        learn(model, adapted);
      }
    },
    async listModels(signal?: AbortSignal): Promise<ModelInformation[]> {
      return listModels(http, { ...options, url: `${baseURL}/models`, headers, secrets, signal });
    },
    close: () => http.close(),
  };
}

/** A page for people, as proxies send it, says nothing that may be shown. */
async function errorOf(response: LeanResponse) {
  const text = await response.text();
  const isPage = /<\w/.test(text);
  const plain = isPage ? unknownErrorBody : { ...unknownErrorBody, message: text };
  const json = parseJson(text);
  return json === undefined ? plain : (errorBody(json, { failed: true }) ?? unknownErrorBody);
}

function failureOf(
  error: unknown,
  { provider, model, log }: { provider: string; model: string; log: Log },
): DomainError {
  if (isDomainError(error)) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const cause = code ?? (error instanceof Error ? error.name : 'no end');
  const isBroken = error === undefined || cause === 'BrokenEventError';
  log.warn({ provider, model, cause }, 'connection to a model provider failed');
  if (isBroken) return providerError({ kind: 'broken_stream', provider, model });
  const kind = code === 'UND_ERR_CONNECT_TIMEOUT' ? 'timed_out' : 'unreachable';
  return providerError({ kind, provider, model });
}

interface Listing {
  name: string;
  url: string;
  headers: Record<string, string>;
  log: Log;
  secrets: readonly string[];
  signal: AbortSignal | undefined;
}

async function listModels(
  http: LeanFetch,
  { name: provider, url, headers, log, secrets, signal }: Listing,
): Promise<ModelInformation[]> {
  const own = { provider, model: 'any model', log };
  try {
    const response = await http.fetch(url, { headers, signal });
    if (!response.ok) {
      const body = await errorOf(response);
      throw openAiError({ ...own, status: response.status, body, secrets });
    }
    return modelList.parse(await response.json()).data.map(({ id }) => ({ id }));
  } catch (error) {
    signal?.throwIfAborted();
    throw failureOf(error, own);
  }
}
