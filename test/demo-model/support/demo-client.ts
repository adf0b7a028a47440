import Anthropic, { type ClientOptions } from '@anthropic-ai/sdk';
import type {
  Message,
  MessageCreateParamsBase,
  RawMessageStreamEvent,
  Tool,
} from '@anthropic-ai/sdk/resources/messages/messages';
import {
  type DemoModel,
  type DemoModelOptions,
  startDemoModel,
} from '../../../src/demo-model/demo-model-server.ts';

export const MODEL = 'claude-haiku-5-5';

/** A demo model with a real SDK client that talks to it, without retries unless told. */
export interface DemoClient extends AsyncDisposable {
  demo: DemoModel;
  client: Anthropic;
}

export async function startDemoClient(
  options: DemoModelOptions = {},
  clientOptions: ClientOptions = {},
): Promise<DemoClient> {
  const demo = await startDemoModel(options);
  const client = new Anthropic({
    apiKey: 'any',
    baseURL: demo.url,
    maxRetries: 0,
    logLevel: 'off',
    ...clientOptions,
  });
  return { demo, client, [Symbol.asyncDispose]: () => demo.close() };
}

/** A request with one user message. */
export function asking(
  content: MessageCreateParamsBase['messages'][number]['content'],
  rest: Partial<Omit<MessageCreateParamsBase, 'stream'>> = {},
): Omit<MessageCreateParamsBase, 'stream'> {
  return {
    model: MODEL,
    max_tokens: 1_000,
    messages: [{ role: 'user' as const, content }],
    ...rest,
  };
}

/** The text of a message: blocks joined with nothing. */
export function textOf(message: Message): string {
  return message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

/** All events of a raw stream, and the error it ended with, if any. */
export async function collect(
  stream: AsyncIterable<RawMessageStreamEvent>,
): Promise<{ events: RawMessageStreamEvent[]; error: unknown }> {
  const events: RawMessageStreamEvent[] = [];
  try {
    for await (const event of stream) events.push(event);
    return { events, error: undefined };
  } catch (error) {
    return { events, error };
  }
}

export function deltaCount(events: readonly RawMessageStreamEvent[]): number {
  return events.filter(({ type }) => type === 'content_block_delta').length;
}

export const CALCULATOR: Tool = {
  name: 'calculator',
  description: 'Evaluates an arithmetic expression.',
  input_schema: {
    type: 'object',
    properties: { expression: { type: 'string' } },
    required: ['expression'],
  },
};

export const KNOWLEDGE_SEARCH: Tool = {
  name: 'search_knowledge',
  description: 'Searches the documents of a collection.',
  input_schema: {
    type: 'object',
    properties: {
      collection: { type: 'string', enum: ['handbook', 'faq'] },
      query: { type: 'string' },
    },
    required: ['query'],
  },
};
