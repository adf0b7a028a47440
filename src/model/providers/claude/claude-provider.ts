import Anthropic, { type ClientOptions } from '@anthropic-ai/sdk';
import type { MessageCreateParamsStreaming } from '@anthropic-ai/sdk/resources/messages/messages';
import type { Dispatcher } from 'undici';
import type { Log } from '../../../kernel/log.ts';
import type { ModelEvent, ModelInformation, ModelProvider } from '../../../kernel/model.ts';
import { estimateInputTokens } from '../../token-estimate.ts';
import { createLeanFetch, type LeanFetch } from '../lean-fetch.ts';
import { providerError } from '../provider-error.ts';
import { providerIdentity } from '../provider-identity.ts';
import { claudeError } from './claude-error.ts';
import { claudeRequest } from './claude-request.ts';
import { ClaudeTurn } from './claude-turn.ts';

export interface ClaudeProviderOptions {
  apiKey: string;
  /** Default: the public API. */
  baseURL?: string;
  /** What `ModelProvider.identity` is to be. Default: by the base URL. */
  identity?: string;
  log: Log;
  /** Default "anthropic". */
  name?: string;
  /** Asks the provider to keep repeating parts of prompts, where that pays. Default true. */
  promptCaching?: boolean;
  /** A proxy's, say. Default: a pool of our own without a limit. */
  dispatcher?: Dispatcher;
  /** As the SDK takes it; default none. */
  openTelemetry?: ClientOptions['openTelemetry'];
}

const publicApi = 'https://api.anthropic.com';

/** Headers that never come are the watchdog's business; the SDK's own limit must only not come first. */
const headersTimeoutMs = 60 * 60_000;

/**
 * Claude over the official SDK: one attempt per call, streamed. The SDK's own retries are off, for they obey
 * `retry-after` without a bound and end at the headers.
 */
export function createClaudeProvider(options: ClaudeProviderOptions): ModelProvider {
  const { name = 'anthropic', promptCaching = true, log, baseURL = publicApi } = options;
  const http = createLeanFetch({ dispatcher: options.dispatcher });
  const client = createClient({ ...options, baseURL }, http);
  return {
    name,
    identity: options.identity ?? providerIdentity(baseURL),
    async *stream(call, { signal, onActivity, log: callLog = log }) {
      signal.throwIfAborted();
      const request = claudeRequest(call, { provider: name, promptCaching });
      const turn = new ClaudeTurn(name, call.model);
      let failure: unknown;
      try {
        const { data, request_id } = await open(client, request, { signal, onActivity });
        for await (const event of data) {
          if (event.type === 'message_start') yield startOf(event.message.model, request_id);
          const told = turn.take(event);
          if (told) yield told;
        }
        if (turn.complete) return;
      } catch (error) {
        if (turn.complete) return;
        failure = signal.aborted
          ? signal.reason
          : claudeError(error, { model: call.model, log: callLog });
      }
      const billed = turn.brokenOff();
      if (billed) yield billed;
      // An aborted stream ends without throwing, and so does one that was cut.
      signal.throwIfAborted();
      throw (
        failure ?? providerError({ kind: 'broken_stream', provider: 'Claude', model: call.model })
      );
    },
    estimateInputTokens,
    async countInputTokens(call, signal) {
      try {
        const request = claudeRequest(call, { provider: name, promptCaching: false });
        const { max_tokens: _, stream: __, ...countable } = request;
        return (await client.messages.countTokens(countable, { signal })).input_tokens;
      } catch (error) {
        signal.throwIfAborted();
        throw claudeError(error, { model: call.model, log });
      }
    },
    async listModels(signal) {
      try {
        return await listModels(client, signal);
      } catch (error) {
        signal?.throwIfAborted();
        throw claudeError(error, { model: 'any model', log });
      }
    },
    close: () => http.close(),
  };
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

function open(
  client: Anthropic,
  request: MessageCreateParamsStreaming,
  { signal, onActivity }: { signal: AbortSignal; onActivity: (() => void) | undefined },
) {
  const fetchOptions = (onActivity ? { onActivity } : {}) as NonNullable<
    ClientOptions['fetchOptions']
  >;
  return client.messages.create(request, { signal, fetchOptions }).withResponse();
}

function startOf(model: string, requestId: string | null | undefined): ModelEvent {
  return { type: 'start', model, ...(requestId ? { providerRequestId: requestId } : {}) };
}

async function listModels(client: Anthropic, signal?: AbortSignal): Promise<ModelInformation[]> {
  const models: ModelInformation[] = [];
  for await (const model of client.models.list({ limit: 1_000 }, signal ? { signal } : {})) {
    models.push({
      id: model.id,
      ...(model.max_input_tokens ? { contextWindow: model.max_input_tokens } : {}),
      ...(model.max_tokens ? { maxOutputTokens: model.max_tokens } : {}),
      ...(model.lifecycle ? { lifecycle: model.lifecycle } : {}),
    });
  }
  return models;
}
