import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { definePrompt } from '../../src/kernel/prompt.ts';
import type { UsageRecordRow } from '../../src/ledger/ledger.ts';
import type { PromptRecord, PromptVersionRecord } from '../../src/prompts/prompts.ts';
import { createSchema } from '../../src/schema/create-schema.ts';
import { admin, execute } from './support/execute.ts';
import { at, runId, runRecord, usage } from './support/records.ts';
import { registryOf, registryWith } from './support/registry-with.ts';

const schema = createSchema(registryWith());
const idOf = (index: number): string =>
  `019af0b4-0000-7000-8000-${String(index).padStart(12, '0')}`;
const twenty = Array.from({ length: 20 }, (_, index) => index);

const prompt = (id: string): PromptRecord => ({
  id,
  name: `p${id.slice(-2)}`,
  createdAt: at,
  definition: null,
});
const version = (id: string): PromptVersionRecord => ({
  id,
  promptId: idOf(1),
  promptName: 'p',
  number: 1,
  template: 't',
  system: null,
  model: null,
  maxTokens: null,
  outputFields: null,
  notes: null,
  createdAt: at,
  createdBy: 'root',
});

const page = <Node>(nodes: Node[]) => ({
  edges: nodes.map((node, index) => ({ node, cursor: `${index}` })),
  hasNextPage: false,
  hasPreviousPage: false,
});

/** Wraps a batched read, counting its calls and the ids of each. */
function counted<Value>(
  calls: Record<string, number[]>,
  name: string,
  read: (id: string) => Value,
) {
  return async (ids: readonly string[]): Promise<Value[]> => {
    calls[name] = [...(calls[name] ?? []), ids.length];
    return ids.map(read);
  };
}

describe('a list costs one read of each kind, however long it is', () => {
  test('prompts with labels, versions and experiments', async () => {
    const calls: Record<string, number[]> = {};
    const result = await execute(schema, {
      source: `{ prompts { edges { node {
        name labels { name version { number prompt { name } } } experiment { name variants { version { number } runs } }
      } } } }`,
      caller: admin,
      services: {
        prompts: {
          list: async () => page(twenty.map((index) => prompt(idOf(index)))),
          labels: counted(calls, 'labels', (promptId) =>
            ['production', 'staging'].map((name, index) => ({
              name,
              promptId,
              versionId: idOf(100 + index),
              updatedAt: at,
              updatedBy: 'root',
            })),
          ),
          versionsById: counted(calls, 'versions', version),
          promptsById: counted(calls, 'prompts', prompt),
          experimentsOf: counted(calls, 'experiments', (promptId) => ({
            id: idOf(7),
            name: 'e',
            promptId,
            status: 'RUNNING',
            startedAt: null,
            endedAt: null,
            variants: [
              { id: idOf(8), experimentId: idOf(7), name: 'a', versionId: idOf(102), weight: 1 },
            ],
          })),
          variantStatistics: async () => {
            calls['statistics'] = [...(calls['statistics'] ?? []), 1];
            return new Map();
          },
        },
      },
    });
    expect(result.errors).toBeUndefined();
    expect(calls).toEqual({
      labels: [20],
      experiments: [20],
      versions: [3],
      prompts: [1],
      statistics: [1],
    });
  });

  test('usage records with their prompt versions', async () => {
    const calls: Record<string, number[]> = {};
    const row = (index: number): UsageRecordRow => ({
      id: idOf(index),
      runId,
      requestId: 'r',
      userId: 'ada',
      groups: [],
      apiKeyId: null,
      tags: [],
      agent: null,
      conversationId: null,
      kind: 'COMPLETION',
      promptVersionId: idOf(index % 4),
      promptName: null,
      experimentId: null,
      variant: null,
      provider: 'anthropic',
      model: 'm',
      ...usage,
      cached: false,
      status: 'succeeded',
      durationMs: 1,
      timeToFirstTokenMs: null,
      createdAt: at,
    });
    const result = await execute(schema, {
      source:
        '{ usageRecords { edges { node { cost usage { inputTokens } promptVersion { number } } } } }',
      services: {
        ledger: { usageRecords: async () => page(twenty.map(row)) },
        prompts: { versionsById: counted(calls, 'versions', version) },
      },
    });
    expect(result.errors).toBeUndefined();
    expect(calls).toEqual({ versions: [4] });
  });

  test('runs with their usage, scores and the runs that work for them', async () => {
    const calls: Record<string, number[]> = {};
    const score = (id: string) => ({
      id,
      runId: id,
      name: 's',
      value: 1,
      comment: null,
      createdAt: at,
    });
    const result = await execute(schema, {
      source:
        '{ runs { edges { node { cost usage { inputTokens } scores { value } subRuns { id cost } continues { id } } } } }',
      services: {
        ledger: { usageByRun: counted(calls, 'usage', () => usage) },
        runs: {
          list: async () => page(twenty.map((index) => runRecord({ id: idOf(index) }))),
          scoresOf: counted(calls, 'scores', (id) => [score(id)]),
          subRuns: counted(calls, 'subRuns', (id) => [
            runRecord({ id: idOf(50), parentRunId: id }),
          ]),
        },
      },
    });
    expect(result.errors).toBeUndefined();
    expect(calls).toEqual({ usage: [20, 1], scores: [20], subRuns: [20] });
  });

  test('a run’s usage, cost, turns and approvals', async () => {
    const calls: Record<string, number[]> = {};
    const source = `{ a: run(id: "${idOf(1)}") { ...F } b: run(id: "${idOf(2)}") { ...F } c: run(id: "${idOf(1)}") { ...F } }
      fragment F on AgentRun { id usage { inputTokens } cost approvals { id } turns { toolCalls { id approval { id } } } }`;
    const result = await execute(schema, {
      source,
      services: {
        ledger: { usageByRun: counted(calls, 'usage', () => usage) },
        runs: {
          get: async (id) => {
            calls['runs'] = [...(calls['runs'] ?? []), 1];
            return runRecord({ id, kind: 'AGENT', agent: 'a' });
          },
          turns: counted(calls, 'turns', () => []),
          approvals: counted(calls, 'approvals', () => []),
        },
      },
    });
    expect(result.errors).toBeUndefined();
    expect(calls).toEqual({ runs: [1, 1], usage: [2], turns: [2], approvals: [2] });
  });
});

test('plugins with their prompts read all of them at once', async () => {
  const calls: Record<string, number[]> = {};
  const prompts = ['one', 'two', 'three'].map((name) =>
    definePrompt({ name, description: name, variables: z.object({}), template: 'x' }),
  );
  const registry = {
    ...registryOf(...prompts),
    plugins: [{ name: 'fixture', version: '1.0.0', description: null, parts: {} }],
  };
  const result = await execute(createSchema(registry), {
    source:
      '{ plugins { name version tools { name } agents { name } prompts { name description } } }',
    services: {
      registry,
      prompts: {
        promptsByName: counted(calls, 'names', (name) => ({
          ...prompt(idOf(1)),
          name,
          definition: registry.prompts.get(name) ?? null,
        })),
      },
    },
  });
  expect(result.data).toEqual({
    plugins: [
      {
        name: 'fixture',
        version: '1.0.0',
        tools: [],
        agents: [],
        prompts: ['one', 'two', 'three'].map((name) => ({ name, description: name })),
      },
    ],
  });
  expect(calls).toEqual({ names: [3] });
});
