import { describe, expect, test } from 'vitest';
import { DomainError, type ErrorCode } from '../../../src/kernel/errors.ts';
import type { RunEventBody } from '../../../src/kernel/events.ts';
import type { DocumentRecord } from '../../../src/knowledge/knowledge.ts';
import { createSchema } from '../../../src/schema/create-schema.ts';
import { encodeGlobalId } from '../../../src/schema/global-id.ts';
import { cursorsOf } from '../../../src/schema/runs/cursor.ts';
import { EventSource } from '../support/event-source.ts';
import { codesOf, execute, open, type Result, stream } from '../support/execute.ts';
import { at, handleOf, placed, runId, runRecord, usage } from '../support/records.ts';
import { registryWith } from '../support/registry-with.ts';

const schema = createSchema(registryWith());
const globalId = encodeGlobalId('Run', runId);
const cursorAt = cursorsOf(runId);

const completion = `subscription {
  completion(input: { prompt: { text: "Hi" } }) { __typename ... on TextDelta { text } } }`;
const follow = `subscription ($id: ID!, $after: String) { runEvents(runId: $id, after: $after) {
  __typename runId cursor at
  ... on RunStarted { model promptVersion { id } }
  ... on SourcesFound { sources { chunkId documentId content } }
  ... on TextDelta { text }
  ... on ThinkingDelta { text }
  ... on CitationFound { citation { sourceIndex citedText textEnd } }
  ... on ToolCallStarted { callId tool input }
  ... on ToolCallFinished { callId tool output isError attempts durationMs }
  ... on ApprovalRequested { approval { id status } }
  ... on ApprovalDecided { approval { id status } }
  ... on TurnRestarted { number }
  ... on TurnFinished { turn { number text cost usage { inputTokens } toolCalls { id tool approval { status } } } }
  ... on RunFinished { run { __typename id cost } }
  ... on RunFailed { error { __typename code message retryable runId } }
} }`;

const passage = {
  chunkId: 'c1',
  documentId: runId,
  source: 's',
  title: null,
  content: 'Words.',
  score: 1,
  metadata: {},
  headingPath: [],
  startOffset: 0,
  endOffset: 6,
};
const approvalId = '019af0b4-0000-7000-8000-0000000000aa';
const turn = {
  number: 1,
  text: 'Done.',
  toolCalls: [
    { id: 'call', tool: 'add', input: {}, output: 2, isError: false, attempts: 1, durationMs: 1 },
  ],
  usage: { ...usage },
  cost: '0.1',
};
const finished = { callId: 'call', tool: 'add', output: 2, isError: false, attempts: 1, cited: [] };
const failure = {
  code: 'RUN_CANCELLED',
  message: 'Stopped.',
  retryable: false,
  details: {},
} as const;

const everyEvent: RunEventBody[] = [
  { type: 'RunStarted', model: 'm', promptVersionId: null },
  { type: 'SourcesFound', sources: [passage] },
  { type: 'TextDelta', text: 'Hello' },
  { type: 'ThinkingDelta', text: '?' },
  { type: 'CitationFound', citation: { sourceIndex: 0, citedText: 'Words.', textEnd: 5 } },
  { type: 'ToolCallStarted', callId: 'call', tool: 'add', input: { a: 1 } },
  { type: 'ApprovalRequested', approvalId },
  { type: 'ApprovalDecided', approvalId },
  { type: 'ToolCallFinished', ...finished, durationMs: 2 },
  { type: 'TurnRestarted', number: 1 },
  { type: 'TurnFinished', turn },
  { type: 'RunFinished' },
  { type: 'RunFailed', error: failure },
];

const approvalRecord = (status: 'PENDING' | 'APPROVED') => ({
  id: approvalId,
  runId,
  ownerId: 'ada',
  callId: 'call',
  tool: 'add',
  input: {},
  editedInput: null,
  status,
  requestedAt: at,
  expiresAt: null,
  decidedAt: null,
  decidedBy: null,
  reason: null,
});

async function* list<Value>(items: readonly Value[]): AsyncGenerator<Value, undefined> {
  yield* items;
}

test('every event is told by its type, place and content', async () => {
  const decisions = [approvalRecord('PENDING'), approvalRecord('APPROVED')];
  const events = placed(everyEvent);
  const opened = await stream(schema, {
    source: follow,
    variables: { id: globalId },
    services: {
      ledger: { usageByRun: async (ids) => ids.map(() => usage) },
      knowledge: { documentsById: async (ids) => ids.map((id) => ({ id }) as DocumentRecord) },
      runs: {
        join: async () => handleOf(runRecord(), { events: () => list(events) }),
        storedEvents: async () => [events],
        get: async () => runRecord({ kind: 'AGENT' }),
        approvalsById: async () => [decisions.shift() ?? null],
        approvals: async () => [[approvalRecord('APPROVED')]],
      },
    },
  });
  const seen: unknown[] = [];
  for await (const { data, errors } of opened) {
    expect(errors).toBeUndefined();
    seen.push(JSON.parse(JSON.stringify(data?.['runEvents'])));
  }
  expect(seen).toMatchObject([
    {
      __typename: 'RunStarted',
      model: 'm',
      promptVersion: null,
      runId: globalId,
      cursor: cursorAt(1),
    },
    {
      __typename: 'SourcesFound',
      sources: [
        { chunkId: 'c1', documentId: encodeGlobalId('Document', runId), content: 'Words.' },
      ],
    },
    { __typename: 'TextDelta', text: 'Hello', cursor: cursorAt(7), at: at.toISOString() },
    { __typename: 'ThinkingDelta', text: '?' },
    { __typename: 'CitationFound', citation: { sourceIndex: 0, citedText: 'Words.', textEnd: 5 } },
    { __typename: 'ToolCallStarted', callId: 'call', tool: 'add', input: { a: 1 } },
    { __typename: 'ApprovalRequested', approval: { status: 'PENDING' } },
    { __typename: 'ApprovalDecided', approval: { status: 'APPROVED' } },
    { __typename: 'ToolCallFinished', callId: 'call', output: 2, isError: false, durationMs: 2 },
    { __typename: 'TurnRestarted', number: 1 },
    {
      __typename: 'TurnFinished',
      turn: {
        number: 1,
        cost: '0.1',
        toolCalls: [{ id: 'call', approval: { status: 'APPROVED' } }],
      },
    },
    { __typename: 'RunFinished', run: { __typename: 'AgentRun', id: globalId, cost: '0.000022' } },
    {
      __typename: 'RunFailed',
      error: { __typename: 'RunCancelledError', code: 'RUN_CANCELLED', runId: globalId },
    },
  ]);
});

describe('leaving', () => {
  const opened = async (source: EventSource, disconnected?: AbortSignal) =>
    stream(schema, {
      source: completion,
      services: { runs: { complete: async () => source.handle } },
      ...(disconnected ? { disconnected } : {}),
    });

  test('an unsubscribe ends a silent stream at once and is told as one', async () => {
    const source = new EventSource();
    const events = await opened(source);
    const pending = events.next();
    expect(await events.return(undefined)).toMatchObject({ done: true });
    expect(await pending).toMatchObject({ done: true });
    expect(source.left).toEqual(['unsubscribed']);
    expect(source.returned).toBe(true);
    expect(await events.next()).toMatchObject({ done: true });
  });

  test('a lost connection is told as one', async () => {
    const source = new EventSource();
    const connection = new AbortController();
    const events = await opened(source, connection.signal);
    connection.abort();
    await events.return(undefined);
    expect(source.left).toEqual(['disconnected']);
  });

  test('a stream read to its end was not left', async () => {
    const source = new EventSource();
    const events = await opened(source);
    const first = events.next();
    for (const event of placed([{ type: 'TextDelta', text: 'a' }])) source.push(event);
    expect(await first).toMatchObject({ value: { data: { completion: { text: 'a' } } } });
    const last = events.next();
    source.end();
    expect(await last).toMatchObject({ done: true });
    await events.return(undefined);
    expect(source.left).toEqual([]);
  });

  test('a mutation’s lost connection is told, one that was answered is not left', async () => {
    const source = 'mutation { complete(input: { prompt: { text: "Hi" } }) { __typename } }';
    const connection = new AbortController();
    const left: string[] = [];
    const leave = (how: string) => left.push(how);
    const answered = { runs: { complete: async () => handleOf(runRecord(), { leave }) } };
    await execute(schema, { source, services: answered, disconnected: connection.signal });
    const result = async () => {
      connection.abort();
      return runRecord({ status: 'CANCELLED' });
    };
    const lost = { runs: { complete: async () => handleOf(runRecord(), { leave, result }) } };
    await execute(schema, { source, services: lost, disconnected: connection.signal });
    expect(left).toEqual(['disconnected']);
  });
});

describe('what keeps a stream from starting', () => {
  test.each<[ErrorCode, string, string]>([
    ['CONFLICT', completion, 'complete'],
    [
      'AGENT_NOT_FOUND',
      'subscription { agent(input: { agent: "a", message: "m" }) { __typename } }',
      'runAgent',
    ],
  ])('%s is its only event', async (code, source, method) => {
    const selection =
      '{ __typename runId cursor ... on RunFailed { error { code message runId } } }';
    const opened = await stream(schema, {
      source: source.replace(/\{ __typename.*\}/s, `${selection} }`),
      services: {
        runs: {
          [method]: async () => {
            throw new DomainError(code, 'No.');
          },
        },
      },
    });
    const seen: Result[] = [];
    for await (const result of opened) seen.push(result);
    expect(seen).toHaveLength(1);
    expect(Object.values(seen[0]?.data ?? {})).toMatchObject([
      {
        __typename: 'RunFailed',
        runId: '',
        cursor: '',
        error: { code, message: 'No.', runId: null },
      },
    ]);
  });

  test('an unknown run is told with its id', async () => {
    const join = async () => {
      throw new DomainError('RUN_NOT_FOUND', 'No such run.');
    };
    const opened = await stream(schema, {
      source: follow,
      variables: { id: runId },
      services: { runs: { join } },
    });
    const { value } = await opened.next();
    expect(value).toMatchObject({
      data: {
        runEvents: {
          __typename: 'RunFailed',
          runId: globalId,
          cursor: '',
          error: { code: 'RUN_NOT_FOUND' },
        },
      },
    });
  });

  test('anything unexpected is no event', async () => {
    const complete = async () => {
      throw new Error('the database is away');
    };
    const opened = await open(schema, { source: completion, services: { runs: { complete } } });
    expect('errors' in opened && opened.errors?.[0]?.message).toBe('the database is away');
  });
});

describe('resuming', () => {
  test('continues behind the cursor, by either id of the run', async () => {
    const source = new EventSource();
    const services = { runs: { join: async () => source.handle } };
    for (const id of [globalId, runId]) {
      await stream(schema, { source: follow, variables: { id, after: cursorAt(41) }, services });
    }
    await stream(schema, { source: follow, variables: { id: runId }, services });
    expect(source.readFrom).toEqual([41, 41, 0]);
  });

  test.each([
    ['another run’s cursor', cursorsOf('019af0b4-0000-7000-8000-000000000002')(41)],
    ['no cursor', 'nonsense'],
    ['the cursor of nothing', ''],
  ])('%s is bad input', async (_name, after) => {
    const opened = await open(schema, { source: follow, variables: { id: runId, after } });
    expect(opened).toMatchObject({
      errors: [{ extensions: { code: 'BAD_USER_INPUT', issues: [{ path: ['after'] }] } }],
    });
  });
});

test('what is too expensive or malformed starts no run', async () => {
  const deep = 'run { error { runId } }'.concat(' runId'.repeat(600));
  const costly = await open(schema, {
    source: `subscription { completion(input: { prompt: { text: "Hi" } }) { ... on RunFinished { ${deep} } } }`,
  });
  expect(codesOf(costly as Result)).toEqual(['OPERATION_TOO_EXPENSIVE']);
  const empty = await open(schema, { source: completion.replace('"Hi"', '""') });
  expect(codesOf(empty as Result)).toEqual(['BAD_USER_INPUT']);
});
