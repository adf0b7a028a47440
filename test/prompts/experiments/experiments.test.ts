import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  CompleteDocument,
  CreateExperimentDocument,
  type CreateExperimentInput,
  CreatePromptVersionDocument,
  ExperimentAssignmentDocument,
  ExperimentDocument,
  RenderPromptDocument,
  ScoreRunDocument,
  SetExperimentWeightsDocument,
  StartExperimentDocument,
  StopExperimentDocument,
} from '../../../src/generated/gql/graphql.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';
import { type CallTyped, callTyped } from '../support/call-typed.ts';

let server: TestServer;
let call: CallTyped;
beforeAll(async () => {
  server = await startTestServer();
  call = callTyped(server);
  const input = { prompt: 'summarization', template: '{{ maxSentences }} for {{ text }}' };
  await call(CreatePromptVersionDocument, { input });
});
afterAll(() => server[Symbol.asyncDispose]());

const variants = [
  { name: 'control', version: 1, weight: 1 },
  { name: 'short', version: 2, weight: 3 },
];

const create = async (input: Partial<CreateExperimentInput>) =>
  (
    await call(CreateExperimentDocument, {
      input: { name: 'x', prompt: 'summarization', variants, ...input },
    })
  ).createExperiment;

const start = async (name: string) =>
  (await call(StartExperimentDocument, { name })).startExperiment;
const stop = async (name: string) => (await call(StopExperimentDocument, { name })).stopExperiment;

const assigned = async (name: string, subject: string) =>
  (await call(ExperimentAssignmentDocument, { name, subject })).experiment!.assignment;

async function complete(subject: string, as?: string) {
  const input = {
    prompt: { summarization: { text: 'Tea is a plant. It is drunk hot.' } },
    options: { subject, cache: 'BYPASS' as const },
  };
  const { complete: run } = await call(CompleteDocument, { input }, as ? { as } : undefined);
  if (run.__typename !== 'Completion') throw new Error(run.__typename);
  return run;
}

/** A subject that the experiment gives this variant. */
async function subjectFor(experiment: string, variant: string): Promise<string> {
  for (let number = 0; number < 200; number++) {
    if ((await assigned(experiment, `s${number}`)).variant === variant) return `s${number}`;
  }
  throw new Error(`nobody gets ${variant}`);
}

const score = async (runId: string, value: number, as?: string) =>
  (
    await call(
      ScoreRunDocument,
      { input: { runId, name: 'helpful', value } },
      as ? { as } : undefined,
    )
  ).scoreRun;

test('an experiment decides while it runs; its runs say so, and its variants what they came to', async () => {
  expect(await create({ name: 'length' })).toMatchObject({
    __typename: 'Experiment',
    name: 'length',
    status: 'DRAFT',
    startedAt: null,
    variants: variants.map(({ name, weight, version }) => ({
      name,
      weight,
      version: { number: version },
    })),
  });
  const short = await subjectFor('length', 'short');
  const control = await subjectFor('length', 'control');
  // A draft decides nothing yet.
  expect(await complete(short)).toMatchObject({ promptVersion: { number: 1 }, experiment: null });
  expect(await start('length')).toMatchObject({ status: 'RUNNING', startedAt: expect.any(String) });

  const owner = await server.keyFor('ann');
  const runs = await Promise.all([1, 2, 3].map(() => complete(short, owner)));
  for (const run of runs) {
    expect(run).toMatchObject({
      promptVersion: { number: 2 },
      experiment: { experiment: 'length', variant: 'short' },
    });
  }
  expect(await complete(control)).toMatchObject({
    promptVersion: { number: 1 },
    experiment: { experiment: 'length', variant: 'control' },
  });
  const input = { summarization: { text: 'Tea.' } };
  const { renderPrompt } = await call(RenderPromptDocument, { input, subject: short });
  expect(renderPrompt).toMatchObject({ assignment: { experiment: 'length', variant: 'short' } });

  for (const [index, { id }] of runs.entries()) {
    expect(await score(id, index + 1, owner)).toMatchObject({
      __typename: 'Score',
      value: index + 1,
    });
  }
  const { experiment } = await call(ExperimentDocument, { name: 'length' });
  const ofVariant = (name: string) =>
    experiment!.variants.find((variant) => variant.name === name)!;
  const [helpful] = ofVariant('short').scores;
  // Student's t with two degrees of freedom: 4.30265 · 1 / √3.
  expect(helpful).toEqual({
    name: 'helpful',
    count: 3,
    mean: 2,
    low: expect.closeTo(2 - 2.48414, 4),
    high: expect.closeTo(2 + 2.48414, 4),
  });
  const exact = runs.reduce((sum, { cost }) => sum + Number(cost), 0);
  expect(Number(ofVariant('short').cost)).toBeCloseTo(exact, 9);
  expect(ofVariant('short')).toMatchObject({ runs: 3, averageDurationMs: expect.any(Number) });
  expect(ofVariant('control')).toMatchObject({ runs: 1, scores: [] });

  expect(await stop('length')).toMatchObject({ status: 'STOPPED', endedAt: expect.any(String) });
  expect(await complete(short)).toMatchObject({ promptVersion: { number: 1 }, experiment: null });
});

test('an assignment depends on the subject alone, and follows the weights', async () => {
  await create({ name: 'pure' });
  const subjects = Array.from({ length: 60 }, (_, index) => `subject ${index}`);
  const all = () =>
    Promise.all(subjects.map(async (subject) => (await assigned('pure', subject)).variant));
  const once = await all();
  expect(await all()).toEqual(once);
  const shorts = once.filter((variant) => variant === 'short').length;
  expect(shorts).toBeGreaterThan(30);
  expect(shorts).toBeLessThan(60);
});

test('weights change while it runs, and move only the subjects that they must', async () => {
  await create({ name: 'ramp', start: true });
  const subjects = Array.from({ length: 60 }, (_, index) => `subject ${index}`);
  const rendered = async (subject: string) => {
    const input = { summarization: { text: 'Tea.' } };
    const { renderPrompt } = await call(RenderPromptDocument, { input, subject });
    return renderPrompt.__typename === 'RenderedPrompt' ? renderPrompt.assignment?.variant : null;
  };
  const all = () => Promise.all(subjects.map(rendered));
  const before = await all();
  const input = { name: 'ramp', variants: [{ name: 'control', weight: 3 }] };
  const { setExperimentWeights } = await call(SetExperimentWeightsDocument, { input });
  expect(setExperimentWeights).toMatchObject({
    __typename: 'Experiment',
    status: 'RUNNING',
    variants: [
      { name: 'control', weight: 3 },
      { name: 'short', weight: 3 },
    ],
  });
  const after = await all();
  const moved = subjects.flatMap((_, index) =>
    before[index] === after[index] ? [] : [[before[index], after[index]]],
  );
  expect(moved.length).toBeGreaterThan(3);
  expect(new Set(moved.map(String))).toEqual(new Set(['short,control']));
  await stop('ramp');
});

test('weights that cannot be are refused, and change nothing', async () => {
  await create({ name: 'kept' });
  const set = async (weights: { name: string; weight: number }[], name = 'kept') =>
    (await call(SetExperimentWeightsDocument, { input: { name, variants: weights } }))
      .setExperimentWeights;
  const refused = await set([
    { name: 'control', weight: 1e300 },
    { name: 'short', weight: 0 },
    { name: 'short', weight: 1 },
    { name: 'long', weight: 1 },
  ]);
  const issues = [
    ['variants', '0', 'weight'],
    ['variants', '1', 'weight'],
    ['variants', '2', 'name'],
    ['variants', '3', 'name'],
  ].map((path) => ({ path, message: expect.any(String) }));
  expect(refused).toMatchObject({ __typename: 'ExperimentInvalidError', issues });
  expect(await set([{ name: 'control', weight: 1 }], 'nothing')).toMatchObject({
    __typename: 'NotFoundError',
  });
  const { experiment } = await call(ExperimentDocument, { name: 'kept' });
  expect(experiment!.variants.map(({ weight }) => weight)).toEqual([1, 3]);
});

describe('is refused, typed', () => {
  test.for([
    [{ variants: [] }, ['variants']],
    [{ variants: [{ name: 'a', version: 99, weight: 1 }] }, ['variants', '0', 'version']],
    [{ variants: [variants[0]!, { ...variants[1]!, weight: -1 }] }, ['variants', '1', 'weight']],
    [{ variants: [{ ...variants[0]!, weight: 1e308 }] }, ['variants', '0', 'weight']],
    [{ variants: [variants[0]!, variants[0]!] }, ['variants', '1', 'name']],
  ] as const)('an experiment that cannot be run: %j', async ([input, path]) => {
    const name = `bad ${path.join('.')}`;
    const made = await server.execute<{ createExperiment: object }>(
      CreateExperimentDocument.toString(),
      { input: { name, prompt: 'summarization', ...input } },
    );
    const issues = [{ path, message: expect.any(String) }];
    expect(made.data?.createExperiment).toMatchObject({
      __typename: 'ExperimentInvalidError',
      code: 'EXPERIMENT_INVALID',
      issues,
    });
    expect(await call(ExperimentDocument, { name })).toEqual({ experiment: null });
  });

  test('what is not there, and what is taken', async () => {
    expect(await create({ name: 'lost', prompt: 'unknown' })).toMatchObject({
      __typename: 'PromptNotFoundError',
    });
    await create({ name: 'taken' });
    expect(await create({ name: 'taken' })).toMatchObject({ __typename: 'ConflictError' });
    expect(await start('nothing')).toMatchObject({ __typename: 'NotFoundError' });
    expect(await stop('nothing')).toMatchObject({ __typename: 'NotFoundError' });
    expect(await stop('taken')).toMatchObject({ __typename: 'ExperimentInvalidError' });
  });

  test('a second experiment that would run on the same prompt', async () => {
    await create({ name: 'first', start: true });
    await create({ name: 'second' });
    expect(await start('second')).toMatchObject({
      __typename: 'ConflictError',
      message: expect.stringContaining('stop it first'),
    });
    expect(await create({ name: 'third', start: true })).toMatchObject({
      __typename: 'ConflictError',
    });
    expect(await call(ExperimentDocument, { name: 'third' })).toEqual({ experiment: null });
    await stop('first');
    expect(await start('second')).toMatchObject({ status: 'RUNNING' });
    await stop('second');
  });

  test('a score of another’s run, and figures to who is no admin', async () => {
    const [ann, ben] = [await server.keyFor('ann'), await server.keyFor('ben')];
    const { id } = await complete('anybody', ann);
    expect(await score(id, 1, ben)).toMatchObject({ __typename: 'RunNotFoundError' });
    expect(await score(id, 1)).toMatchObject({ __typename: 'Score' });
    const creating = { input: { name: 'y', prompt: 'summarization', variants } };
    await expect(call(CreateExperimentDocument, creating, { as: ann })).rejects.toThrow(
      'FORBIDDEN',
    );
    await create({ name: 'seen' });
    await expect(call(ExperimentDocument, { name: 'seen' }, { as: ann })).rejects.toThrow(
      'FORBIDDEN',
    );
    const variables = { name: 'seen', subject: 'ann' };
    expect(await call(ExperimentAssignmentDocument, variables, { as: ann })).toMatchObject({
      experiment: { assignment: { experiment: 'seen' } },
    });
  });
});

test('experiments are listed newest first, page by page', async () => {
  for (const name of ['listed-1', 'listed-2', 'listed-3']) await create({ name });
  const LIST = `query ($after: String) { experiments(first: 2, after: $after) {
    edges { node { name variants { name } prompt { name } } } pageInfo { hasNextPage endCursor } } }`;
  interface List {
    experiments: {
      edges: { node: { name: string } }[];
      pageInfo: { hasNextPage: boolean; endCursor: string };
    };
  }
  const { experiments: first } = await server.data<List>(LIST);
  expect(first.edges.map(({ node }) => node.name)).toEqual(['listed-3', 'listed-2']);
  const after = first.pageInfo.endCursor;
  const { experiments: second } = await server.data<List>(LIST, { after });
  expect(second.edges[0]!.node).toMatchObject({
    name: 'listed-1',
    prompt: { name: 'summarization' },
  });
});
