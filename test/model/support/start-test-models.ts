import { expect } from 'vitest';
import { type DemoModel, startDemoModel } from '../../../src/demo-model/demo-model-server.ts';
import { DomainError } from '../../../src/kernel/errors.ts';
import type { ModelCall, ModelProvider } from '../../../src/kernel/model.ts';
import { createModels, type ModelLimits } from '../../../src/model/create-models.ts';
import type { AttemptReport, ModelStreamEvent, Models } from '../../../src/model/models.ts';
import { createPrices } from '../../../src/model/prices/create-prices.ts';
import { createClaudeProvider } from '../../../src/model/providers/claude/claude-provider.ts';
import { testLog } from '../../support/test-log.ts';

export interface TestModels extends AsyncDisposable {
  demo: DemoModel;
  provider: ModelProvider;
  models: Models;
  /** Reads one call to its end. */
  ask(text: string, options?: AskOptions): Promise<Answer>;
  /** The stream of one call, not yet begun. */
  stream(text: string, options?: AskOptions): AsyncIterable<ModelStreamEvent>;
}

export interface AskOptions extends Partial<Omit<ModelCall, 'model'>> {
  chain?: string[];
  signal?: AbortSignal;
  timeoutMs?: number;
  onEvent?: (event: ModelStreamEvent) => void;
}

/** Everything a stream told, and how it ended. */
export interface Answer {
  events: ModelStreamEvent[];
  text: string;
  attempts: AttemptReport[];
  finish: Extract<ModelStreamEvent, { type: 'finish' }> | undefined;
  error: unknown;
}

export const haiku = 'claude-haiku-5-5';
export const sonnet = 'claude-sonnet-5-5';

/** The demo model with `Models` before it, quick to retry. Fails at its end when a call is still open on either side. */
export async function startTestModels(limits: ModelLimits = {}): Promise<TestModels> {
  const demo = await startDemoModel();
  const provider = createClaudeProvider({ apiKey: 'test', baseURL: demo.url, log: testLog });
  const models = createModels({
    providers: [provider],
    prices: createPrices(),
    defaultModel: haiku,
    log: testLog,
    limits: { retryBaseMs: 5, ...limits },
  });
  const stream: TestModels['stream'] = (text, options = {}) =>
    models.stream({
      call: callOf(text, options),
      chain: options.chain ?? [haiku],
      signal: options.signal ?? new AbortController().signal,
      deadlineAt: new Date(Date.now() + (options.timeoutMs ?? 15_000)),
    });
  return {
    demo,
    provider,
    models,
    stream,
    ask: (text, options) => readAll(stream(text, options), options?.onEvent),
    async [Symbol.asyncDispose]() {
      expect(models.openCalls()).toBe(0);
      await demo.waitForOpenCalls(0);
      await models.close();
      await demo.close();
    },
  };
}

function callOf(text: string, options: AskOptions): Omit<ModelCall, 'model'> {
  const { chain, signal, timeoutMs, onEvent, ...call } = options;
  return { messages: [userText(text)], maxTokens: 1_000, ...call };
}

export function userText(text: string): ModelCall['messages'][number] {
  return { role: 'user', content: [{ type: 'text', text }] };
}

export async function readAll(
  stream: AsyncIterable<ModelStreamEvent>,
  onEvent?: (event: ModelStreamEvent) => void,
): Promise<Answer> {
  const events: ModelStreamEvent[] = [];
  let error: unknown;
  try {
    for await (const event of stream) {
      events.push(event);
      onEvent?.(event);
    }
  } catch (thrown) {
    error = thrown;
  }
  return {
    events,
    text: events.map((event) => (event.type === 'text' ? event.text : '')).join(''),
    attempts: events.flatMap((event) => (event.type === 'attempt' ? [event.attempt] : [])),
    finish: events.find((event) => event.type === 'finish'),
    error,
  };
}

/** The error as a `DomainError`, or the test fails. */
export function domainError(error: unknown): DomainError {
  expect(error).toBeInstanceOf(DomainError);
  return error as DomainError;
}
