import Anthropic, { type ClientOptions } from '@anthropic-ai/sdk';
import type { MessageCreateParamsStreaming } from '@anthropic-ai/sdk/resources/messages/messages';
import type { Dispatcher } from 'undici';
import type { Log } from '../../../kernel/log.ts';
import type { ModelInformation, ModelProvider } from '../../../kernel/model.ts';
import { estimateInputTokens } from '../../token-estimate.ts';
import { createLeanFetch, type LeanFetch, type LeanResponse } from '../lean-fetch.ts';
import { providerIdentity } from '../provider-identity.ts';
import { readAnswer } from '../read-answer.ts';
import { streamOfCall } from '../stream-of-call.ts';
import { claudeError } from './claude-error.ts';
import { claudeRequest } from './claude-request.ts';
import { ClaudeTurn } from './claude-turn.ts';

export interface ClaudeProviderOptions {
  apiKey: string;
  /** Default: the public API. */
  baseURL?: string;
  /** `ModelProvider.identity`. Default: by the base URL. */
  identity?: string;
  log: Log;
  /** Default "anthropic". */
  name?: string;
  /** Asks the provider to cache repeating parts of prompts, where that pays. Default true. */
  promptCaching?: boolean;
  /** Such as a proxy's. Default: a pool of our own without a limit. */
  dispatcher?: Dispatcher;
  /** As the SDK takes it; default none. */
  openTelemetry?: ClientOptions['openTelemetry'];
}

const publicApi = 'https://api.anthropic.com';

/** A list that does not end is cut. */
const maxModels = 10_000;

/** The watchdog limits the wait for headers; the SDK's own limit must only not come first. */
const headersTimeoutMs = 60 * 60_000;

/**
 * Claude over the official SDK: one attempt per call, streamed. The SDK's own retries are off, since they obey
 * `retry-after` without a bound and end at the headers. Its event iterator is not used: reading all events of a piece of
 * bytes at once costs a fraction.
 */
export function createClaudeProvider(options: ClaudeProviderOptions): ModelProvider {
  const { apiKey, name = 'anthropic', promptCaching = true, baseURL = publicApi } = options;
  const http = createLeanFetch({ dispatcher: options.dispatcher });
  const client = createClient({ ...options, baseURL }, http);
  const context = { log: options.log, secrets: [apiKey] };
  const call: NonNullable<ModelProvider['call']> = async (request, answering, sink) => {
    const body = claudeRequest(request, { provider: name, promptCaching });
    const own = { ...context, model: request.model, log: answering.log ?? context.log };
    return readAnswer({
      ...answering,
      sink,
      open: (signal) => open(client, body, signal),
      begin: ({ headers }) => {
        const requestId = headers.get('request-id');
        return new ClaudeTurn({ ...own, provider: name, call: request, sink, requestId });
      },
      errorOf: (error) => claudeError(error, own),
    });
  };
  return {
    name,
    identity: options.identity ?? providerIdentity(baseURL),
    call,
    stream: streamOfCall(call),
    estimateInputTokens,
    async countInputTokens(call, signal) {
      try {
        const request = claudeRequest(call, { provider: name, promptCaching: false });
        const { max_tokens: _, stream: __, ...countable } = request;
        return (await client.messages.countTokens(countable, { signal })).input_tokens;
      } catch (error) {
        signal.throwIfAborted();
        throw claudeError(error, { ...context, model: call.model });
      }
    },
    async listModels(signal) {
      try {
        return await listModels(client, signal);
      } catch (error) {
        signal?.throwIfAborted();
        throw claudeError(error, { ...context, model: 'any model' });
      }
    },
    close: () => http.close(),
  };
}

/** The response is the lean fetch's own, whatever its type here. */
async function open(
  client: Anthropic,
  request: MessageCreateParamsStreaming,
  signal: AbortSignal,
): Promise<LeanResponse> {
  const response: unknown = await client.messages.create(request, { signal }).asResponse();
  return response as LeanResponse;
}

function createClient(
  options: ClaudeProviderOptions & { baseURL: string },
  http: LeanFetch,
): Anthropic {
  const { apiKey, baseURL, log, openTelemetry = false } = options;
  return new Anthropic({
    apiKey,
    baseURL,
    authToken: null,
    webhookKey: null,
    maxRetries: 0,
    timeout: headersTimeoutMs,
    fetch: http.fetch as unknown as NonNullable<ClientOptions['fetch']>,
    logLevel: 'warn',
    logger: sdkLogger(log),
    openTelemetry,
  });
}

/** The SDK's further arguments hold request and response bodies: only its sentence is kept. */
function sdkLogger(log: Log): NonNullable<ClientOptions['logger']> {
  return {
    error: (message) => log.warn({ from: 'anthropic-sdk' }, message),
    warn: (message) => log.warn({ from: 'anthropic-sdk' }, message),
    info: (message) => log.debug({ from: 'anthropic-sdk' }, message),
    debug: (message) => log.debug({ from: 'anthropic-sdk' }, message),
  };
}

async function listModels(client: Anthropic, signal?: AbortSignal): Promise<ModelInformation[]> {
  const models: ModelInformation[] = [];
  for await (const model of client.models.list({ limit: 1_000 }, { signal })) {
    models.push({
      id: model.id,
      contextWindow: model.max_input_tokens || undefined,
      maxOutputTokens: model.max_tokens || undefined,
      lifecycle: model.lifecycle || undefined,
    });
    if (models.length >= maxModels) break;
  }
  return models;
}
