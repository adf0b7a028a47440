import { expect, test } from 'vitest';
import { z } from 'zod';
import type { AssistantMessage, Message, ModelCall } from '../../src/kernel/model.ts';
import { sentCall } from '../../src/model/sent-call.ts';
import { haiku, sonnet, startTestModels } from './support/start-test-models.ts';

const user = (text: string): Message => ({ role: 'user', content: [{ type: 'text', text }] });
const thought: AssistantMessage = {
  role: 'assistant',
  content: [{ type: 'text', text: 'Four.' }],
  verbatim: {
    provider: 'anthropic',
    content: [
      { type: 'thinking', thinking: 'Two and two.', signature: 'sig' },
      { type: 'text', text: 'Four.' },
    ],
  },
};
const plain = { role: 'assistant', content: [{ type: 'text', text: 'Four.' }] };

const tool = { name: 'add', description: '', inputSchema: { type: 'object' } };
const first: ModelCall = {
  model: haiku,
  system: 'Be brief.',
  tools: [tool],
  messages: [user('2 + 2?')],
  maxTokens: 100,
};
const kept = sentCall(first, 'anthropic').kept(thought);
const next: ModelCall = { ...first, messages: [...first.messages, kept, user('Plus one?')] };

test('a turn goes back word for word when all before it goes as it went', () => {
  expect(sentCall(next, 'anthropic').call.messages[1]).toMatchObject(thought);
  // What comes after the turn, and how long an answer may be, change nothing.
  const later = { ...next, maxTokens: 5, messages: [...next.messages, kept, user('And again?')] };
  expect(sentCall(later, 'anthropic').call.messages[1]).toMatchObject(thought);
  expect(sentCall(later, 'anthropic').call.messages[3]).toEqual(plain);
});

const history = next.messages;
test.each<[string, Partial<ModelCall>, string?]>([
  ['another provider', {}, 'openai'],
  ['another model', { model: sonnet }],
  ['another system prompt', { system: 'Be wordy.' }],
  ['no tools', { tools: [] }],
  ['an output format', { outputSchema: z.object({ sum: z.number() }) }],
  ['an earlier message left out', { messages: [user('Hi'), ...history] }],
  ['an earlier message changed', { messages: [user('2 + 3?'), ...history.slice(1)] }],
])('for %s it goes as its text', (_what, change, provider = 'anthropic') => {
  const { messages } = sentCall({ ...next, ...change }, provider).call;
  expect(messages.at(-2)).toEqual(plain);
});

test('turns after one that was mapped go back word for word, where they were written after it', () => {
  const moved = { ...next, system: 'Be wordy.' };
  const second = sentCall(moved, 'anthropic').kept(thought);
  const third = { ...moved, messages: [...moved.messages, second, user('More?')] };
  const { messages } = sentCall(third, 'anthropic').call;
  expect(messages[1]).toEqual(plain);
  expect(messages[3]).toMatchObject(thought);
});

test('an answer that says no more than its text is kept as its text', async () => {
  await using models = await startTestModels();
  const { finish } = await models.ask('[demo:reply Four.]');
  expect(finish?.message).toEqual(plain);
  const thinking = await models.ask('[demo:think][demo:reply Four.]', { thinking: true });
  expect(thinking.finish?.message.verbatim).toMatchObject({
    content: [{ type: 'thinking' }, { type: 'text', text: 'Four.' }],
    after: expect.any(String),
  });
});
