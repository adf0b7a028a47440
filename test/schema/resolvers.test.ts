import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineAgent } from '../../src/kernel/agent.ts';
import { DomainError } from '../../src/kernel/errors.ts';
import { defineTool } from '../../src/kernel/tool.ts';
import type { DocumentRecord } from '../../src/knowledge/knowledge.ts';
import type { AgentRequest, RunRecord } from '../../src/runs/runs.ts';
import { createSchema } from '../../src/schema/create-schema.ts';
import { admin, codesOf, execute, user } from './support/execute.ts';
import { at, handleOf, placed, runId, runRecord, usage } from './support/records.ts';
import { registryWith } from './support/registry-with.ts';

const schema = createSchema(registryWith());

describe('runAgent', () => {
  const source = `mutation ($wait: Boolean) { runAgent(input: { agent: "a", message: "m", wait: $wait, options: { maxCost: "0.5" } }) {
    __typename ... on AgentRun { status text error { code } } ... on Error { code } } }`;
  const refusal = new DomainError('BUDGET_EXCEEDED', 'No room.', {
    details: {
      budget: {
        id: runId,
        subject: 'ada',
        period: 'DAILY',
        limit: '1',
        spent: '1',
        held: '0',
        resetsAt: at.toISOString(),
      },
      remaining: '0',
      estimated: '0.1',
      heldByOthers: '0',
    },
  }).toJSON();

  async function run(record: Partial<RunRecord>, events: Parameters<typeof placed>[0] = []) {
    const requests: AgentRequest[] = [];
    const ended = runRecord({ kind: 'AGENT', agent: 'a', ...record });
    const ask = (wait: boolean | null) =>
      execute(schema, {
        source,
        variables: { wait },
        services: {
          runs: {
            runAgent: async (request) => {
              requests.push(request);
              return handleOf(ended);
            },
            get: async () => ({ ...ended, status: 'RUNNING', text: '' }),
            storedEvents: async () => [placed(events)],
          },
        },
      });
    return { ask, requests };
  }

  test('answers when the run has ended, or at once', async () => {
    const { ask, requests } = await run({});
    expect((await ask(null)).data).toMatchObject({
      runAgent: { __typename: 'AgentRun', status: 'SUCCEEDED', text: 'Hello.', error: null },
    });
    expect((await ask(false)).data).toMatchObject({ runAgent: { status: 'RUNNING', text: '' } });
    expect(requests[0]).toEqual({ agent: 'a', message: 'm', options: { maxCost: '0.5' } });
  });

  test('a run that failed on the way is an AgentRun with its error', async () => {
    const error = new DomainError('MAX_TURNS_EXCEEDED', 'Enough.').toJSON();
    const { ask } = await run({ status: 'FAILED', error });
    expect((await ask(null)).data).toMatchObject({
      runAgent: { __typename: 'AgentRun', status: 'FAILED', error: { code: 'MAX_TURNS_EXCEEDED' } },
    });
  });

  test('a budget without room for the first call is an error, for a later one an AgentRun', async () => {
    const started = { type: 'RunStarted', model: 'm', promptVersionId: null } as const;
    const failed = { type: 'RunFailed', error: refusal } as const;
    const kept = await run({ status: 'FAILED', error: refusal }, [started, failed]);
    expect((await kept.ask(null)).data).toMatchObject({
      runAgent: { __typename: 'BudgetExceededError', code: 'BUDGET_EXCEEDED' },
    });
    const ended = await run({ status: 'FAILED', error: refusal }, [
      started,
      { type: 'TextDelta', text: 'Let me see.' },
      failed,
    ]);
    expect((await ended.ask(null)).data).toMatchObject({
      runAgent: { __typename: 'AgentRun', status: 'FAILED', error: { code: 'BUDGET_EXCEEDED' } },
    });
  });
});

test('an answer’s sources and citations, an agent’s turns, are read off the log', async () => {
  const passage = {
    chunkId: 'c',
    documentId: runId,
    source: 's',
    title: null,
    content: 'Words.',
    score: 1,
    metadata: { lang: 'en' },
    headingPath: [],
    startOffset: 0,
    endOffset: 6,
  };
  const turn = { number: 1, text: 'Hello', toolCalls: [], usage, cost: null };
  const events = placed([
    { type: 'SourcesFound', sources: [passage] },
    { type: 'TextDelta', text: 'Hello' },
    { type: 'CitationFound', citation: { sourceIndex: 0, citedText: 'Words.', textEnd: 5 } },
  ]);
  const readable = { id: runId } as DocumentRecord;
  const read = (kind: 'ANSWER' | 'AGENT') =>
    execute(schema, {
      source: `{ run(id: "${runId}") {
        ... on Answer { sources { content metadata } citations { sourceIndex citedText textEnd } }
        ... on AgentRun { turns { number text cost usage { outputTokens } } } } }`,
      services: {
        runs: {
          get: async () => runRecord({ kind }),
          storedEvents: async () => [events],
          turns: async () => [[turn]],
        },
        knowledge: { documentsById: async (ids) => ids.map(() => readable) },
      },
    });
  expect((await read('ANSWER')).data).toEqual({
    run: {
      sources: [{ content: 'Words.', metadata: { lang: 'en' } }],
      citations: [{ sourceIndex: 0, citedText: 'Words.', textEnd: 5 }],
    },
  });
  expect((await read('AGENT')).data).toEqual({
    run: { turns: [{ number: 1, text: 'Hello', cost: null, usage: { outputTokens: 3 } }] },
  });
});

test('renderPrompt shows a prompt, a text and a conversation without a model', async () => {
  const render = (input: string, services = {}) =>
    execute(schema, {
      source: `{ renderPrompt(input: ${input}) { __typename ... on RenderedPrompt { text system estimatedTokens messages { role text } version { number } } ... on Error { code } } }`,
      services: { models: { resolve: () => 'm', estimateInputTokens: () => 9 }, ...services },
    });
  expect((await render('{ text: "Hi" }')).data).toEqual({
    renderPrompt: {
      __typename: 'RenderedPrompt',
      text: 'Hi',
      system: null,
      estimatedTokens: 9,
      messages: [{ role: 'USER', text: 'Hi' }],
      version: null,
    },
  });
  const asked: unknown[] = [];
  const prompts = {
    render: async (...call: unknown[]) => {
      asked.push(call);
      throw new DomainError('PROMPT_NOT_FOUND', 'No such prompt.');
    },
  };
  const missing = await render('{ named: { name: "x", label: "staging" } }', { prompts });
  expect(missing.data).toMatchObject({ renderPrompt: { code: 'PROMPT_NOT_FOUND' } });
  expect(asked).toEqual([[{ name: 'x', label: 'staging' }, 'ada']]);
});

test('what an experiment came to is for admins', async () => {
  const variants = [{ id: runId, experimentId: runId, name: 'a', versionId: runId, weight: 2 }];
  const experiment = {
    id: runId,
    name: 'e',
    promptId: runId,
    status: 'RUNNING' as const,
    startedAt: at,
    endedAt: null,
    variants,
  };
  const statistics = {
    runs: 3,
    cost: '0.1',
    averageDurationMs: 4,
    scores: [{ name: 's', count: 3, mean: 0.5, low: 0.1, high: 0.9 }],
  };
  const services = {
    prompts: {
      experiment: async () => experiment,
      variantStatistics: async () => new Map([['a', statistics]]),
    },
  };
  const weights = '{ experiment(name: "e") { status variants { name weight } } }';
  expect(codesOf(await execute(schema, { source: weights, services }))).toEqual([]);
  const source =
    '{ experiment(name: "e") { variants { runs cost averageDurationMs scores { name mean low high } } } }';
  expect(codesOf(await execute(schema, { source, services, caller: user }))).toContain('FORBIDDEN');
  expect((await execute(schema, { source, services, caller: admin })).data).toEqual({
    experiment: {
      variants: [
        {
          runs: 3,
          cost: '0.1',
          averageDurationMs: 4,
          scores: [{ name: 's', mean: 0.5, low: 0.1, high: 0.9 }],
        },
      ],
    },
  });
});

test('tools and agents are told as plugins define them', async () => {
  const tool = defineTool({
    name: 'add',
    description: 'Adds.',
    input: z.object({ a: z.number(), at: z.date().optional() }),
    output: z.object({ sum: z.number() }),
    needsApproval: ({ a }) => a > 1,
    run: ({ a }) => ({ sum: a }),
  });
  const agent = defineAgent({
    name: 'a',
    description: 'An agent.',
    instructions: 'i',
    tools: ['add'],
    model: 'gone',
  });
  const registry = registryWith({
    tools: new Map([['add', { ...tool, plugin: 'p' }]]) as never,
    agents: new Map([['a', { ...agent, plugin: 'p' }]]),
  });
  const resolve = () => {
    throw new DomainError('MODEL_NOT_FOUND', 'No such model.');
  };
  const result = await execute(schema, {
    source: `{ tools { name inputSchema outputSchema needsApproval plugin }
      agents { name model maxTurns plugin tools { name } } }`,
    services: { registry, models: { resolve } },
  });
  expect(result.data).toMatchObject({
    tools: [
      {
        name: 'add',
        needsApproval: true,
        plugin: 'p',
        inputSchema: {
          properties: { a: { type: 'number' }, at: { type: 'string', format: 'date-time' } },
          required: ['a'],
        },
        outputSchema: { type: 'object' },
      },
    ],
    agents: [{ name: 'a', model: 'gone', maxTurns: 10, plugin: 'p', tools: [{ name: 'add' }] }],
  });
});
