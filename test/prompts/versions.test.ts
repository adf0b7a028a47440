import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import {
  ClassifySentimentDocument,
  CreatePromptVersionDocument,
  PromptDocument,
  PromptLabelChangesDocument,
  PromptVersionDiffDocument,
  RenderPromptDocument,
  SetPromptLabelDocument,
} from '../../src/generated/gql/graphql.ts';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';
import { type CallTyped, callTyped } from './support/call-typed.ts';

let server: TestServer;
let call: CallTyped;
beforeAll(async () => {
  server = await startTestServer();
  call = callTyped(server);
});
afterAll(() => server[Symbol.asyncDispose]());

const prompt = 'classify_sentiment';
const text = 'I love it, wonderful!';

async function rendered(label?: string, version?: number) {
  const named = {
    name: prompt,
    variables: { text },
    label: label ?? null,
    version: version ?? null,
  };
  const input = label || version ? { named } : { classifySentiment: { text } };
  const { renderPrompt } = await call(RenderPromptDocument, { input });
  return renderPrompt;
}

async function state() {
  const found = await call(PromptDocument, { name: prompt });
  const { versions, labels } = found.prompt!;
  return {
    numbers: versions.edges.map(({ node }) => node.number),
    labels: Object.fromEntries(labels.map(({ name, version }) => [name, version.number])),
  };
}

/** The prompt's examples are earlier turns, in the same wording. */
const examplesAnd = (last: string) =>
  expect.arrayContaining([
    { role: 'USER', text: 'Judge this: The parcel arrived on Tuesday.' },
    { role: 'USER', text: last },
  ]);

const publish = async (template: string, more: object = {}) =>
  (await call(CreatePromptVersionDocument, { input: { prompt, template, ...more } }))
    .createPromptVersion;

const move = async (label: string, version: number, name = prompt) =>
  (await call(SetPromptLabelDocument, { input: { prompt: name, label, version } })).setPromptLabel;

test('each move of a label is kept: where to, when and by whom', async () => {
  const input = {
    prompt: 'few_shot',
    template: 'Shorter: {{ task }}{{ examples | json }}{{ input }}',
  };
  await call(CreatePromptVersionDocument, { input: { ...input, labels: ['canary'] } });
  await move('canary', 1, 'few_shot');
  await move('canary', 1, 'few_shot');
  const page = async (first: number, after: string | null) => {
    const found = await call(PromptLabelChangesDocument, { name: 'few_shot', first, after });
    const { edges, pageInfo } = found.prompt!.labelChanges;
    const changes = edges.map(({ node }) => [node.label, node.version.number, node.changedBy]);
    return { changes, next: pageInfo.hasNextPage ? pageInfo.endCursor! : null };
  };
  const newest = await page(2, null);
  expect(newest.changes).toEqual([
    ['canary', 1, 'admin'],
    ['canary', 2, 'admin'],
  ]);
  expect(await page(2, newest.next)).toEqual({
    changes: [['production', 1, 'plugin:few-shot']],
    next: null,
  });
});

describe('a wording', () => {
  test('is published, deployed and rolled back; each next call has the one in force', async () => {
    const original = await rendered();
    expect(
      await publish('Judge this: {{ text }}', { labels: ['staging'], notes: 'shorter' }),
    ).toMatchObject({
      __typename: 'PromptVersion',
      number: 2,
      template: 'Judge this: {{ text }}',
      notes: 'shorter',
      createdBy: 'admin',
      variables: ['text'],
    });
    expect(await state()).toEqual({ numbers: [2, 1], labels: { production: 1, staging: 2 } });
    expect(await rendered()).toEqual(original);
    const staged = {
      __typename: 'RenderedPrompt',
      text: `Judge this: ${text}`,
      assignment: null,
      version: { number: 2 },
      messages: examplesAnd(`Judge this: ${text}`),
    };
    expect(await rendered('staging')).toMatchObject(staged);
    expect(await rendered(undefined, 2)).toMatchObject(staged);

    expect(await move('production', 2)).toMatchObject({
      __typename: 'PromptLabel',
      name: 'production',
      updatedBy: 'admin',
      version: { number: 2 },
    });
    const { estimatedTokens } = (await rendered()) as { estimatedTokens: number };
    expect(await rendered()).toMatchObject(staged);
    expect(estimatedTokens).toBeGreaterThan(0);
    await move('production', 1);
    expect(await rendered()).toEqual(original);
  });

  test('tells how it differs, and what its own runs came to', async () => {
    await publish('One line.\n{{ text }}');
    const { number } = (await publish('Another line.\n{{ text }}')) as { number: number };
    await move('production', number);
    const { classifySentiment } = await call(ClassifySentimentDocument, { variables: { text } });
    if (classifySentiment.__typename !== 'ClassifySentimentCompletion') throw new Error('failed');
    expectTypeOf(classifySentiment.output).toEqualTypeOf<{
      sentiment: 'negative' | 'neutral' | 'positive';
    }>();
    expect(classifySentiment.output).toEqual({ sentiment: 'positive' });
    const of = async (version: number, against?: number) => {
      const variables = { name: prompt, number: version, against: against ?? null };
      const found = await call(PromptVersionDiffDocument, {
        ...variables,
        window: { last: 'PT1H' },
      });
      return found.prompt!.version!;
    };
    const version = await of(number);
    expect(version.diff).toMatch(/^-One line\.\n\+Another line\.\n \{\{ text \}\}$/m);
    expect(version.stats).toEqual({ requests: 1, totalCost: classifySentiment.cost });
    expect(await of(number, number)).toMatchObject({
      diff: expect.not.stringContaining('+Another'),
    });
    expect((await of(number - 1)).stats).toEqual({ requests: 0, totalCost: '0' });
    await move('production', 1);
  });

  test('keeps its run: a label that has moved on takes nothing away', async () => {
    const { number } = (await publish('Kept: {{ text }}', { labels: ['kept'] })) as {
      number: number;
    };
    const COMPLETE = `mutation ($input: CompleteInput!) { complete(input: $input) {
      ... on Completion { id } } }`;
    const input = { prompt: { named: { name: prompt, variables: { text }, label: 'kept' } } };
    const { complete } = await server.data<{ complete: { id: string } }>(COMPLETE, { input });
    await move('kept', 1);
    const RUN = `query ($id: ID!) { run(id: $id) { ... on Completion {
      promptVersion { number template } } } }`;
    expect(await server.data(RUN, { id: complete.id })).toEqual({
      run: { promptVersion: { number, template: 'Kept: {{ text }}' } },
    });
  });
});

describe('is refused, typed and with its place, and stores nothing', () => {
  test.for([
    ['{{ text', {}, ['template'], /^line 1: /],
    ['{{ text }}\n{{ colour }}', {}, ['template', 'colour'], /^line 2: .*no variable "colour"/],
    ['{% include "/etc/passwd" %}{{ text }}', {}, ['template'], /include/],
    ['{{ text }}', { system: 'Be {{ kind }}.' }, ['system', 'kind'], /no variable "kind"/],
    ['{% for a in (1..999999999) %}{% endfor %}{{ text }}', {}, ['template'], /./],
    [' \n', {}, ['template'], /empty/],
    ['{{ text }}', { model: 'nobody/gpt' }, ['model'], /no provider for the model "nobody\/gpt"/],
  ] as const)('the template %j', async ([template, more, path, message]) => {
    const before = await state();
    expect(await publish(template, { ...more, labels: ['production'] })).toMatchObject({
      __typename: 'TemplateInvalidError',
      code: 'TEMPLATE_INVALID',
      retryable: false,
      issues: expect.arrayContaining([{ path, message: expect.stringMatching(message) }]),
    });
    expect(await state()).toEqual(before);
  });

  test('a prompt or version that is not there', async () => {
    const unknown = { input: { prompt: 'unknown', template: 'x' } };
    expect(await call(CreatePromptVersionDocument, unknown)).toMatchObject({
      createPromptVersion: { __typename: 'PromptNotFoundError', code: 'PROMPT_NOT_FOUND' },
    });
    expect(await move('production', 1, 'unknown')).toMatchObject({
      __typename: 'PromptNotFoundError',
    });
    expect(await move('production', 999)).toMatchObject({ __typename: 'NotFoundError' });
    expect(await rendered('nowhere')).toMatchObject({ __typename: 'PromptNotFoundError' });
    expect(await rendered(undefined, 999)).toMatchObject({ __typename: 'PromptNotFoundError' });
  });

  test('variables that are not the prompt’s', async () => {
    const named = { name: prompt, variables: { text: 7, mood: 'fine' } };
    expect(await call(RenderPromptDocument, { input: { named } })).toMatchObject({
      renderPrompt: {
        __typename: 'PromptVariablesInvalidError',
        issues: expect.arrayContaining([
          { path: expect.arrayContaining(['text']), message: expect.any(String) },
        ]),
      },
    });
  });

  test('a malformed label, a number below one, and both a label and a version', async () => {
    const code = async (operation: { toString(): string }, variables: object) => {
      const { errors } = await server.execute(operation.toString(), variables);
      return errors?.map(({ extensions }) => extensions?.['code']);
    };
    const label = { prompt, label: 'not a label', version: 1 };
    expect(await code(SetPromptLabelDocument, { input: label })).toEqual(['BAD_USER_INPUT']);
    const zero = { ...label, label: 'fine', version: 0 };
    expect(await code(SetPromptLabelDocument, { input: zero })).toEqual(['BAD_USER_INPUT']);
    const named = { name: prompt, variables: { text }, version: 1, label: 'production' };
    expect(await code(RenderPromptDocument, { input: { named } })).toEqual(['BAD_USER_INPUT']);
  });

  test('who is no admin', async () => {
    const as = await server.keyFor('ann');
    const publishing = { input: { prompt, template: '{{ text }}' } };
    await expect(call(CreatePromptVersionDocument, publishing, { as })).rejects.toThrow(
      'FORBIDDEN',
    );
    const moving = { input: { prompt, label: 'production', version: 1 } };
    await expect(call(SetPromptLabelDocument, moving, { as })).rejects.toThrow('FORBIDDEN');
  });
});
