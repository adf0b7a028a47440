import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { definePrompt } from '../../../src/kernel/prompt.ts';
import type { CompletionRequest, RunRecord } from '../../../src/runs/runs.ts';
import { createSchema } from '../../../src/schema/create-schema.ts';
import { codesOf, execute, stream, user } from '../support/execute.ts';
import { handleOf, placed, runId, runRecord, usage } from '../support/records.ts';
import { registryOf } from '../support/registry-with.ts';

const Mood = z.enum(['happy', 'very sad']);
const Shape = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('circle'), radius: z.number() }),
  z.object({ kind: z.literal('very square'), side: z.int() }),
  z.object({ kind: z.literal('nothing') }),
]);

const classify = definePrompt({
  name: 'classify_mood',
  description: 'Tells how a text sounds.',
  variables: z.object({
    text: z.string(),
    mood: Mood.default('happy'),
    limit: z.int().default(3),
    note: z.string().nullable(),
    tag: z.string().optional(),
    both: z.string().nullish(),
    since: z.date().optional(),
    shapes: z.array(Shape).optional(),
    inner: z.object({ note: z.string().nullable(), tag: z.string().optional() }).optional(),
  }),
  output: z.object({
    mood: Mood,
    when: z.date().optional(),
    shapes: z.array(Shape).default([]),
    reason: z.string().nullable(),
  }),
  template: '{{ text }}',
});

const joke = definePrompt({
  name: 'joke',
  description: 'Tells a joke.',
  variables: z.object({}),
  template: 'Tell a joke.',
});

const schema = createSchema(registryOf(classify, joke));

/** Asks, and shows what the runs room was asked. */
async function ask(source: string, variables?: Record<string, unknown>, run = runRecord()) {
  const requests: CompletionRequest[] = [];
  const result = await execute(schema, {
    source,
    ...(variables ? { variables } : {}),
    services: {
      ledger: { usageByRun: async (ids) => ids.map(() => usage) },
      runs: {
        complete: async (request) => {
          requests.push(request);
          return handleOf(run);
        },
      },
    },
  });
  return { result, request: requests[0] };
}

const variablesOf = (request: CompletionRequest | undefined): unknown =>
  request && 'named' in request.prompt ? request.prompt.named.variables : request;

describe('variables arrive as the zod schema takes them', () => {
  const source = `mutation ($variables: ClassifyMoodVariables!) {
    classifyMood(variables: $variables) { __typename }
  }`;

  test.each([
    ['defaults', { text: 'a' }, { text: 'a', mood: 'happy', limit: 3, note: null }],
    [
      'null where only a value may be left out',
      { text: 'a', mood: null, limit: null, note: null, tag: null, inner: null, shapes: null },
      { text: 'a', note: null },
    ],
    ['null where the schema has it', { text: 'a', both: null }, { both: null, note: null }],
    ['enum values of zod', { text: 'a', mood: 'very_sad' }, { mood: 'very sad', note: null }],
    [
      'dates',
      { text: 'a', since: '2026-01-31T12:00:00Z' },
      { since: new Date('2026-01-31T12:00:00Z'), note: null },
    ],
    [
      'members of unions',
      {
        text: 'a',
        shapes: [{ circle: { radius: 1.5 } }, { very_square: { side: 2 } }, { nothing: true }],
      },
      {
        shapes: [
          { kind: 'circle', radius: 1.5 },
          { kind: 'very square', side: 2 },
          { kind: 'nothing' },
        ],
      },
    ],
    ['nested objects', { text: 'a', inner: {} }, { inner: { note: null } }],
  ])('%s', async (_name, given, expected) => {
    const { result, request } = await ask(source, { variables: given });
    expect(result.errors).toBeUndefined();
    expect(variablesOf(request)).toMatchObject(expected);
    expect(classify.variables.safeParse(variablesOf(request)).error).toBeUndefined();
  });

  test('literals in the document and variables give the same', async () => {
    const { request } = await ask(
      'mutation { classifyMood(variables: { text: "a", mood: very_sad, shapes: [{ circle: { radius: 1 } }] }) { __typename } }',
    );
    expect(variablesOf(request)).toEqual({
      text: 'a',
      mood: 'very sad',
      limit: 3,
      note: null,
      shapes: [{ kind: 'circle', radius: 1 }],
    });
  });

  test('a prompt without variables takes none', async () => {
    const { result, request } = await ask('mutation { joke { ... on JokeCompletion { text } } }');
    expect(result.data).toEqual({ joke: { text: 'Hello.' } });
    expect(request?.prompt).toEqual({ named: { name: 'joke', variables: {} } });
  });

  test('GraphQL itself refuses what the schema does not have', async () => {
    const { result, request } = await ask(source, { variables: { text: 'a', mood: 'grim' } });
    expect(result.errors?.[0]?.message).toContain('grim');
    expect(request).toBeUndefined();
  });
});

test('PromptInput takes a registered prompt by its own field', async () => {
  const source = `mutation ($prompt: PromptInput!) {
    complete(input: { prompt: $prompt }) { __typename ... on Completion { id } }
  }`;
  const { request } = await ask(source, {
    prompt: { classifyMood: { text: 'a', mood: 'very_sad' } },
  });
  expect(request?.prompt).toMatchObject({
    named: { name: 'classify_mood', variables: { text: 'a', mood: 'very sad' } },
  });
  const { request: plain } = await ask(source, { prompt: { joke: true } });
  expect(plain?.prompt).toEqual({ named: { name: 'joke', variables: {} } });
  const { result } = await ask(source, { prompt: { joke: true, text: 'a' } });
  expect(result.errors?.[0]?.message).toMatch(/exactly one/i);
});

const output = {
  mood: 'very sad',
  when: '2026-01-31T12:00:00.000Z',
  shapes: [{ kind: 'circle', radius: 1 }, { kind: 'very square', side: 2 }, { kind: 'nothing' }],
  reason: null,
};

const typed = `... on ClassifyMoodCompletion {
  id text cached usage { inputTokens } cost
  output {
    mood when reason
    shapes {
      __typename
      ... on ClassifyMoodOutputShapesCircle { kind radius }
      ... on ClassifyMoodOutputShapesVerySquare { kind side }
      ... on ClassifyMoodOutputShapesNothing { kind }
    }
  }
}`;

describe('the output comes back typed', () => {
  const source = `mutation { classifyMood(variables: { text: "a" }) { __typename ${typed}
    ... on Error { code message runId }
    ... on OutputInvalidError { text }
  } }`;

  test('with enum names, dates and members of unions', async () => {
    const { result } = await ask(source, undefined, runRecord({ output }));
    expect(result).toMatchObject({
      data: {
        classifyMood: {
          __typename: 'ClassifyMoodCompletion',
          text: 'Hello.',
          cost: '0.000022',
          usage: { inputTokens: 7 },
          output: {
            mood: 'very_sad',
            when: '2026-01-31T12:00:00.000Z',
            reason: null,
            shapes: [
              { __typename: 'ClassifyMoodOutputShapesCircle', kind: 'circle', radius: 1 },
              { __typename: 'ClassifyMoodOutputShapesVerySquare', kind: 'very_square', side: 2 },
              { __typename: 'ClassifyMoodOutputShapesNothing', kind: 'nothing' },
            ],
          },
        },
      },
    });
  });

  test('the fallback text, which is not of the schema, is an error that carries it', async () => {
    const { result } = await ask(source, undefined, runRecord({ degraded: true }));
    expect(result.data).toMatchObject({
      classifyMood: { __typename: 'OutputInvalidError', code: 'OUTPUT_INVALID', text: 'Hello.' },
    });
  });

  test('a failed run is its error', async () => {
    const error = { code: 'MODEL_REFUSED', message: 'No.', retryable: false, details: {} } as const;
    const { result } = await ask(source, undefined, runRecord({ status: 'FAILED', error }));
    expect(result.data).toMatchObject({
      classifyMood: { __typename: 'ModelRefusedError', code: 'MODEL_REFUSED', message: 'No.' },
    });
  });
});

describe('the subscription of the same name', () => {
  async function lastRun(run: RunRecord): Promise<unknown> {
    const events = placed([{ type: 'TextDelta', text: 'Hello.' }, { type: 'RunFinished' }]);
    const opened = await stream(schema, {
      source: `subscription { classifyMood(variables: { text: "a" }) {
        __typename ... on RunFinished { run { __typename ${typed} ... on Completion { text } } } } }`,
      services: {
        ledger: { usageByRun: async (ids) => ids.map(() => usage) },
        runs: {
          get: async () => run,
          complete: async () => handleOf(run, { events: () => values(events) }),
        },
      },
    });
    const seen: unknown[] = [];
    for await (const { data, errors } of opened) {
      expect(errors).toBeUndefined();
      seen.push(data?.['classifyMood']);
    }
    expect(seen).toHaveLength(2);
    return seen[1];
  }

  test('ends with the typed run', async () => {
    expect(await lastRun(runRecord({ output }))).toMatchObject({
      __typename: 'RunFinished',
      run: { __typename: 'ClassifyMoodCompletion', output: { mood: 'very_sad' } },
    });
  });

  test('ends with a plain completion when the fallback text answered', async () => {
    expect(await lastRun(runRecord({ degraded: true }))).toMatchObject({
      run: { __typename: 'Completion', text: 'Hello.' },
    });
  });
});

async function* values<Value>(items: readonly Value[]): AsyncGenerator<Value, undefined> {
  yield* items;
}

test('elsewhere a run of a prompt is a Completion', async () => {
  const result = await execute(schema, {
    source: `query ($id: ID!) { run(id: $id) { __typename ... on Completion { output } } }`,
    variables: { id: runId },
    caller: user,
    services: { runs: { get: async () => runRecord({ output }) } },
  });
  expect(result.data).toEqual({ run: { __typename: 'Completion', output } });
});

test('a prompt’s field needs a signed-in caller', async () => {
  const result = await execute(schema, {
    source: 'mutation { joke { __typename } }',
    caller: null,
  });
  expect(codesOf(result)).toEqual(['UNAUTHENTICATED']);
});
