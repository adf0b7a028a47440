import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { newId } from '../../../src/data/new-id.ts';
import type { RunKind, RunStatus } from '../../../src/kernel/run.ts';
import { listRuns } from '../../../src/runs/listing/list-runs.ts';
import { newRun } from '../../../src/runs/log/new-run.ts';
import { RunLog } from '../../../src/runs/log/run-log.ts';
import { writeBatch } from '../../../src/runs/log/write-batch.ts';
import type { RunFilter } from '../../../src/runs/runs.ts';
import { openTestDatabase } from '../../support/test-database.ts';

const kinds: RunKind[] = ['COMPLETION', 'ANSWER', 'AGENT', 'EMBEDDING'];
const statuses: RunStatus[] = ['RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED'];
const tags = ['north', 'south', 'rare'];
const costs = [null, '0', '0.001', '0.0015', '0.002', '3'];
const start = Date.parse('2026-11-01T00:00:00Z');

interface Sample {
  id: string;
  kind: RunKind;
  status: RunStatus;
  userId: string;
  model: string;
  prompt: string | null;
  agent: string | null;
  conversationId: string | null;
  tags: string[];
  errorCode: 'MODEL_TIMEOUT' | 'RUN_CANCELLED' | null;
  createdAt: Date;
  cost: string | null;
}

const conversations = [newId(), newId()];

const sample = (index: number): Sample => {
  const status = statuses[index % 4]!;
  const kind = kinds[index % 7 > 3 ? 0 : index % 4]!;
  return {
    id: newId(),
    kind,
    status,
    userId: `user-${index % 3}`,
    model: index % 5 === 0 ? 'openai/small' : 'claude-haiku-5-5',
    prompt: index % 6 === 0 ? 'greeting' : null,
    agent: kind === 'AGENT' ? `agent-${index % 2}` : null,
    conversationId: index % 8 === 0 ? conversations[index % 2]! : null,
    tags: tags.filter((_, place) => index % (2 + 5 * place) === 0),
    errorCode:
      status === 'FAILED' ? 'MODEL_TIMEOUT' : status === 'CANCELLED' ? 'RUN_CANCELLED' : null,
    // Several in one millisecond: their ids decide.
    createdAt: new Date(start + Math.floor(index / 3) * 1_000),
    cost: status === 'RUNNING' ? null : costs[index % costs.length]!,
  };
};
const samples = Array.from({ length: 120 }, (_, index) => sample(index));

let database: Database & AsyncDisposable;
beforeAll(async () => {
  database = await openTestDatabase();
  const owner = { groups: [], roles: [], apiKeyId: null, requestId: 'request' };
  const serverId = newId();
  const created = samples.map(({ id, kind, userId, model, agent, createdAt, tags }) => ({
    ...newRun({
      id,
      kind,
      owner: { ...owner, userId },
      serverId,
      input: { prompt: { text: 'What is tea?' } },
      model,
      options: { tags },
      ...(agent === null ? {} : { agent }),
    }),
    createdAt,
  }));
  await writeBatch(database, { created, parts: [], endings: [] }, null);
  for (const { id, status, prompt, errorCode, conversationId, cost } of samples) {
    const error = errorCode && {
      code: errorCode,
      message: '',
      retryable: false,
      details: {} as never,
    };
    const ended = status === 'RUNNING' ? {} : { finishedAt: new Date() };
    const patch = { status, promptName: prompt, error, ...ended };
    const run = { log: new RunLog(id), serverId, epoch: 1, onFenced: () => {} };
    const parts = [{ run, events: [] }];
    await writeBatch(
      database,
      { created: [], parts, endings: [{ run, patch, lastEvent: null }] },
      null,
    );
    await database.query('UPDATE "Run" SET "conversationId" = $2, cost = $3 WHERE id = $1', [
      id,
      conversationId,
      cost,
    ]);
  }
});
afterAll(() => database[Symbol.asyncDispose]());

const isOf =
  (filter: RunFilter) =>
  (run: Sample): boolean =>
    (!filter.kinds || filter.kinds.includes(run.kind)) &&
    (!filter.statuses || filter.statuses.includes(run.status)) &&
    (filter.userId == null || run.userId === filter.userId) &&
    (filter.model == null || run.model === filter.model) &&
    (filter.prompt == null || run.prompt === filter.prompt) &&
    (filter.agent == null || run.agent === filter.agent) &&
    (filter.conversationId == null || run.conversationId === filter.conversationId) &&
    (filter.tags ?? []).every((tag) => run.tags.includes(tag)) &&
    (filter.errorCode == null || run.errorCode === filter.errorCode) &&
    (!filter.createdAfter || run.createdAt >= filter.createdAfter) &&
    (!filter.createdBefore || run.createdAt < filter.createdBefore) &&
    (filter.minCost == null || (run.cost !== null && Number(run.cost) >= Number(filter.minCost)));

const newestFirst = (first: Sample, second: Sample): number =>
  second.createdAt.getTime() - first.createdAt.getTime() || (first.id < second.id ? 1 : -1);

/** All pages of a list, one after the other. */
async function readAll(filter: RunFilter, first: number): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | null = null; ; ) {
    const page = await listRuns(database, { filter, first, after });
    ids.push(...page.edges.map(({ node }) => node.id));
    if (!page.hasNextPage) return ids;
    after = page.edges.at(-1)!.cursor;
  }
}

const maybe = <Value>(value: fc.Arbitrary<Value>) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: value as fc.Arbitrary<Value | null> },
  );
const moment = fc.integer({ min: -5, max: 45 }).map((seconds) => new Date(start + seconds * 1_000));
const filters: fc.Arbitrary<RunFilter> = fc.record({
  kinds: maybe(fc.subarray(kinds, { minLength: 1 })),
  statuses: maybe(fc.subarray(statuses, { minLength: 1 })),
  userId: maybe(fc.constantFrom('user-0', 'user-1', 'nobody')),
  model: maybe(fc.constantFrom('openai/small', 'claude-haiku-5-5')),
  prompt: maybe(fc.constantFrom('greeting', 'another')),
  agent: maybe(fc.constantFrom('agent-0', 'agent-1')),
  conversationId: maybe(fc.constantFrom(...conversations)),
  tags: maybe(fc.subarray(tags)),
  errorCode: maybe(fc.constantFrom('MODEL_TIMEOUT' as const, 'RUN_CANCELLED' as const)),
  createdAfter: maybe(moment),
  createdBefore: maybe(moment),
  minCost: maybe(fc.constantFrom('0.0000001', '0.001', '0.0015', '0.0016', '1', '5')),
});

test('the pages of any filter hold each of its runs once, newest first', async () => {
  const given = fc.asyncProperty(
    filters,
    fc.integer({ min: 1, max: 40 }),
    async (filter, first) => {
      const expected = samples.filter(isOf(filter)).sort(newestFirst);
      expect(await readAll(filter, first)).toEqual(expected.map(({ id }) => id));
    },
  );
  await fc.assert(given, { numRuns: 150 });
});
