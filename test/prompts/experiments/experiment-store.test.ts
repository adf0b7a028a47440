import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Database } from '../../../src/data/database.ts';
import { newId } from '../../../src/data/new-id.ts';
import { isDomainError } from '../../../src/kernel/errors.ts';
import { type AnyPrompt, definePrompt } from '../../../src/kernel/prompt.ts';
import { createPrompts } from '../../../src/prompts/create-prompts.ts';
import type { ExperimentRecord, Prompts } from '../../../src/prompts/prompts.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { testLog } from '../../support/test-log.ts';
import { registryOf } from '../support/registry-of.ts';

const greeting = (name: string): AnyPrompt =>
  definePrompt({
    name,
    description: 'Greets a person.',
    variables: z.object({ name: z.string() }),
    template: 'Hello {{ name }}!',
  }) as AnyPrompt;

const names = ['served', 'checked', 'one_runs', 'counted', 'cycle', 'listed'];
let database: Database & AsyncDisposable;
let prompts: Prompts;
let otherServer: Prompts;

beforeAll(async () => {
  database = await openTestDatabase();
  const registry = await registryOf(...names.map(greeting));
  prompts = createPrompts({ database, registry, log: testLog });
  otherServer = createPrompts({ database, registry, log: testLog });
  await prompts.synchronize();
  for (const prompt of names) {
    await prompts.createVersion({ prompt, template: 'Hi {{ name }}!' }, 'ann');
  }
});
afterAll(() => database.close());

const two = [
  { name: 'hello', version: 1, weight: 1 },
  { name: 'hi', version: 2, weight: 3 },
];

async function refusal(call: Promise<unknown>): Promise<unknown> {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!isDomainError(error)) throw error ?? new Error('was not refused');
  return { code: error.code, ...error.details };
}

test('a running experiment decides, the same on every server; a label or version asked for does not', async () => {
  const experiment = await prompts.createExperiment(
    { name: 'tone', prompt: 'served', variants: two, start: true },
    'ann',
  );
  expect(experiment).toMatchObject({ status: 'RUNNING', startedAt: expect.any(Date) });
  const seen = new Set<string>();
  for (const subject of Array.from({ length: 20 }, (_, index) => `user-${index}`)) {
    const call = { name: 'served', variables: { name: 'Ada' } };
    const [one, other] = await Promise.all([
      prompts.render(call, subject),
      otherServer.render(call, subject),
    ]);
    expect(one.assignment).toEqual(prompts.assign(experiment, subject));
    expect(other.assignment).toEqual(one.assignment);
    expect(one.text).toBe(one.assignment?.variant === 'hi' ? 'Hi Ada!' : 'Hello Ada!');
    expect(one.version.id).toBe(one.assignment?.versionId);
    seen.add(one.text);
    const labelled = await prompts.render({ ...call, label: 'production' }, subject);
    expect([labelled.assignment, labelled.text]).toEqual([null, 'Hello Ada!']);
  }
  expect(seen.size).toBe(2);
  await prompts.stopExperiment('tone');
  const after = await otherServer.render({ name: 'served', variables: { name: 'Ada' } }, 'user-1');
  expect([after.assignment, after.text]).toEqual([null, 'Hello Ada!']);
});

describe('createExperiment', () => {
  test.for([
    [{ name: ' ' }, ['name']],
    [{ variants: [] }, ['variants']],
    [{ variants: [two[0], { ...two[1], name: 'hello' }] }, ['variants', '1', 'name']],
    [{ variants: [{ ...two[0], name: '' }] }, ['variants', '0', 'name']],
    [{ variants: [two[0], { ...two[1], version: 9 }] }, ['variants', '1', 'version']],
    ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY].map(
      (weight) => [{ variants: [{ ...two[0], weight }] }, ['variants', '0', 'weight']] as const,
    ),
  ] as const)('refuses %o and stores nothing', async ([input, path]) => {
    const given = { name: 'bad', prompt: 'checked', variants: two, start: true, ...input };
    expect(await refusal(prompts.createExperiment(given as never, 'ann'))).toMatchObject({
      code: 'EXPERIMENT_INVALID',
      issues: [{ path }],
    });
    expect(await prompts.experiment('bad')).toBeNull();
    const { id } = (await prompts.get('checked')) as { id: string };
    expect(await prompts.experimentOf(id)).toBeNull();
  });

  test('refuses a prompt that is not there, and a name that is', async () => {
    const input = { name: 'once', prompt: 'checked', variants: two };
    expect(await refusal(prompts.createExperiment({ ...input, prompt: 'no' }, 'ann'))).toEqual({
      code: 'PROMPT_NOT_FOUND',
    });
    await prompts.createExperiment(input, 'ann');
    expect(await refusal(prompts.createExperiment(input, 'ann'))).toEqual({ code: 'CONFLICT' });
  });

  test('lets one run for each prompt, whoever comes first', async () => {
    const outcomes = await Promise.allSettled(
      ['a', 'b', 'c'].map((name) =>
        prompts.createExperiment(
          { name: `race-${name}`, prompt: 'one_runs', variants: two, start: true },
          'ann',
        ),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'CONFLICT' });
    }
    await prompts.createExperiment({ name: 'later', prompt: 'one_runs', variants: two }, 'ann');
    expect(await refusal(prompts.startExperiment('later'))).toEqual({ code: 'CONFLICT' });
    expect(await prompts.experiment('later')).toMatchObject({ status: 'DRAFT', startedAt: null });
  });
});

test('an experiment starts, stops and goes on', async () => {
  await prompts.createExperiment({ name: 'cycle', prompt: 'cycle', variants: two }, 'ann');
  expect(await refusal(prompts.stopExperiment('cycle'))).toMatchObject({
    code: 'EXPERIMENT_INVALID',
    issues: [{ path: ['name'], message: 'the experiment "cycle" was never started' }],
  });
  const started = await prompts.startExperiment('cycle');
  expect(started).toMatchObject({ status: 'RUNNING', endedAt: null });
  const stopped = await prompts.stopExperiment('cycle');
  expect(stopped).toMatchObject({ status: 'STOPPED', endedAt: expect.any(Date) });
  expect(await prompts.stopExperiment('cycle')).toEqual(stopped);
  const again = await prompts.startExperiment('cycle');
  expect(again).toMatchObject({ status: 'RUNNING', startedAt: started.startedAt, endedAt: null });
  for (const name of ['nothing', 'no\0']) {
    expect(await refusal(prompts.startExperiment(name))).toEqual({ code: 'NOT_FOUND' });
  }
});

test('finds experiments by id, and the one of a prompt: the running, else the newest', async () => {
  const { id } = (await prompts.get('listed')) as { id: string };
  const create = (name: string, start = false): Promise<ExperimentRecord> =>
    prompts.createExperiment({ name, prompt: 'listed', variants: two, start }, 'ann');
  const running = await create('listed-running', true);
  const newest = await create('listed-newest');
  expect(await prompts.experimentOf(id)).toEqual(running);
  await prompts.stopExperiment(running.name);
  expect(await prompts.experimentsOf([newId(), id])).toEqual([null, newest]);
  expect(await prompts.experimentsById([newest.id, 'nonsense'])).toEqual([newest, null]);
});

describe('variantStatistics', () => {
  async function storeRun(
    experiment: ExperimentRecord,
    run: { variant: string; cost: string | null; ms: number | null; scores: [string, number][] },
  ): Promise<void> {
    const { prisma } = database;
    const ids = { experimentId: experiment.id, variant: run.variant };
    const common = { userId: 'ann', requestId: 'r', kind: 'COMPLETION', model: 'm', ...ids };
    const { id: runId } = await prisma.run.create({
      data: { ...common, id: newId(), status: 'SUCCEEDED', input: {}, durationMs: run.ms },
    });
    await prisma.usageRecord.create({
      data: {
        ...common,
        id: newId(),
        runId,
        provider: 'p',
        status: 'SUCCEEDED',
        cost: run.cost,
        inputTokens: 1,
        outputTokens: 1,
        cacheReadTokens: 0,
        cacheWriteTokens: 0,
        durationMs: 1,
      },
    });
    for (const [name, value] of run.scores) {
      await prisma.score.create({ data: { id: newId(), runId, name, value, userId: 'ann' } });
    }
  }

  test('sums up runs, exact cost, latency and scores with their intervals', async () => {
    const experiment = await prompts.createExperiment(
      { name: 'counted', prompt: 'counted', variants: two },
      'ann',
    );
    const hello = (cost: string | null, ms: number | null, scores: [string, number][]) =>
      storeRun(experiment, { variant: 'hello', cost, ms, scores });
    await hello('0.1', 100, [['good', 1]]);
    await hello('0.2', 300, [
      ['good', 2],
      ['fast', 0.5],
    ]);
    await hello(null, null, [['good', 3]]);
    await storeRun(experiment, { variant: 'hi', cost: null, ms: null, scores: [] });
    const [statistics, again] = await Promise.all([
      prompts.variantStatistics(experiment.id),
      prompts.variantStatistics(experiment.id),
    ]);
    expect(again).toEqual(statistics);
    // t(0.975, 2) = 4.302653 and s = 1.
    const half = 4.302653 / Math.sqrt(3);
    expect(Object.fromEntries(statistics)).toEqual({
      hello: {
        runs: 3,
        cost: '0.3',
        averageDurationMs: 200,
        scores: [
          expect.objectContaining({ name: 'fast', count: 1, mean: 0.5, low: -Number.MAX_VALUE }),
          {
            name: 'good',
            count: 3,
            mean: 2,
            low: expect.closeTo(2 - half, 5),
            high: expect.closeTo(2 + half, 5),
          },
        ],
      },
      hi: { runs: 1, cost: '0', averageDurationMs: null, scores: [] },
    });
  });
});
