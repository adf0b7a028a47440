import { expect } from 'vitest';
import { type DemoModel, startDemoModel } from '../../../src/demo-model/demo-model-server.ts';
import { DomainError } from '../../../src/kernel/errors.ts';
import type { ModelCall, ModelCitation, ModelProvider } from '../../../src/kernel/model.ts';
import { createModels, type ModelLimits } from '../../../src/model/create-models.ts';
import type {
  AttemptReport,
  ModelAnswer,
  ModelRequest,
  Models,
} from '../../../src/model/models.ts';
import { createPrices } from '../../../src/model/prices/create-prices.ts';
import { createClaudeProvider } from '../../../src/model/providers/claude/claude-provider.ts';
import { testLog } from '../../support/test-log.ts';

export interface TestModels extends AsyncDisposable {
  demo: DemoModel;
  provider: ModelProvider;
  models: Models;
  /** One call, to its end. */
  ask(text: string, options?: AskOptions): Promise<Answer>;
}

export interface AskOptions extends Partial<Omit<ModelCall, 'model'>> {
  chain?: string[];
  signal?: AbortSignal;
  timeoutMs?: number;
  onEvent?: (event: SinkEvent) => void;
}

/** One call of the sink, or the report of an attempt. */
export type SinkEvent =
  | { type: 'start'; model: string }
  | { type: 'text' | 'thinking'; text: string }
  | { type: 'citation'; citation: ModelCitation }
  | { type: 'attempt'; attempt: AttemptReport };

/** Everything that a call said, and how it ended. */
export interface Answer {
  events: SinkEvent[];
  text: string;
  attempts: AttemptReport[];
  finish: ModelAnswer | undefined;
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
  const requestOf = (text: string, options: AskOptions): ModelRequest => ({
    call: callOf(text, options),
    chain: options.chain ?? [haiku],
    signal: options.signal ?? new AbortController().signal,
    deadlineAt: new Date(Date.now() + (options.timeoutMs ?? 15_000)),
  });
  return {
    demo,
    provider,
    models,
    ask: (text, options = {}) => callModels(models, requestOf(text, options), options.onEvent),
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

export async function callModels(
  models: Models,
  request: ModelRequest,
  onEvent?: (event: SinkEvent) => void,
): Promise<Answer> {
  const events: SinkEvent[] = [];
  const take = (event: SinkEvent): void => {
    events.push(event);
    onEvent?.(event);
  };
  let finish: ModelAnswer | undefined;
  let error: unknown;
  try {
    finish = await models.call(
      { ...request, onAttempt: async (attempt) => take({ type: 'attempt', attempt }) },
      {
        start: (model) => take({ type: 'start', model }),
        text: (text) => take({ type: 'text', text }),
        thinking: (text) => take({ type: 'thinking', text }),
        citation: (citation) => take({ type: 'citation', citation }),
      },
    );
  } catch (thrown) {
    error = thrown;
  }
  return {
    events,
    text: events.map((event) => (event.type === 'text' ? event.text : '')).join(''),
    attempts: events.flatMap((event) => (event.type === 'attempt' ? [event.attempt] : [])),
    finish,
    error,
  };
}

/** The error as a `DomainError`, or the test fails. */
export function domainError(error: unknown): DomainError {
  expect(error).toBeInstanceOf(DomainError);
  return error as DomainError;
}
