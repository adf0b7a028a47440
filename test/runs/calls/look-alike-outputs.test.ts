import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { definePlugin, definePrompt, z } from '../../../src/tessera.ts';
import { fixture } from '../../model/support/start-replay.ts';
import { type ReplayServer, startReplayServer } from '../../model/support/start-replay-server.ts';

const variables = z.object({ text: z.string() });
const common = { variables, template: '{{ text }}' };

const person = definePrompt({
  ...common,
  name: 'person',
  description: 'Reads a person.',
  output: z.object({
    name: z.string(),
    email: z.string().optional(),
    tags: z.array(z.object({ label: z.string(), note: z.string().optional() })),
  }),
});
const claim = definePrompt({
  ...common,
  name: 'claim',
  description: 'Reads a claim.',
  output: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('refund'), amount: z.number() }),
    z.object({ kind: z.literal('exchange'), item: z.string() }),
  ]),
});
const names = definePrompt({
  ...common,
  name: 'names',
  description: 'Reads names.',
  output: z.array(z.string()),
});
const plugin = definePlugin({
  name: 'readers',
  version: '1.0.0',
  setup: () => ({ prompts: [person, claim, names] }),
});

let here: ReplayServer;
beforeAll(async () => {
  here = await startReplayServer({ plugins: [plugin()] });
});
afterAll(async () => here[Symbol.asyncDispose]());

let asked = 0;

async function output(prompt: string, name: string) {
  here.replay.script(await fixture(`openai/${name}`));
  asked += 1;
  const { complete } = await here.server.data<{
    complete: { output?: unknown; text?: string; code?: string };
  }>(
    `mutation ($input: CompleteInput!) { complete(input: $input) {
      ... on Completion { output text } ... on Error { code }
    } }`,
    {
      input: {
        model: 'openai/m',
        prompt: { named: { name: prompt, variables: { text: String(asked) } } },
      },
    },
  );
  return complete;
}

const schemaSent = () =>
  here.replay.requests.at(-1)!['response_format'] as {
    json_schema: { schema: Record<string, unknown>; strict: boolean };
  };

describe('the output of a server that is not held to a schema', () => {
  it('may be null where it may be left out', async () => {
    const { output: value } = await output('person', 'null-for-optional');
    expect(value).toEqual({ name: 'Ann', tags: [{ label: 'x' }] });
  });

  it.each(['json-in-a-fence', 'json-in-a-bare-fence'])(
    'may stand in one fence: %s',
    async (name) => {
      expect((await output('person', name)).output).toEqual({ name: 'Ann', tags: [] });
    },
  );

  it('that stands in one of two fences is not guessed', async () => {
    expect(await output('person', 'json-in-two-fences')).toMatchObject({ code: 'OUTPUT_INVALID' });
  });
});

describe('an output that is no object', () => {
  it.each([
    ['claim', 'wrapped-union', { kind: 'refund', amount: 3 }],
    ['claim', 'unwrapped-union', { kind: 'exchange', item: 'hat' }],
    ['names', 'wrapped-list', ['a', 'b}']],
  ])('is asked for within one: %s, %s', async (prompt, name, value) => {
    const answer = await output(prompt, name);
    expect(answer.output).toEqual(value);
    expect(JSON.parse(answer.text!)).toEqual(value);
    const { schema } = schemaSent().json_schema;
    expect(schema).toMatchObject({ type: 'object', additionalProperties: false });
    expect(schema).not.toHaveProperty('anyOf');
    expect(schema).not.toHaveProperty('oneOf');
    expect(schema['required']).toEqual(Object.keys(schema['properties'] as object));
  });
});
