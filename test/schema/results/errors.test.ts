import { readFileSync } from 'node:fs';
import { isEnumType, isInterfaceType, isObjectType, isUnionType } from 'graphql';
import { describe, expect, test } from 'vitest';
import { DomainError, type ErrorCode, errorCodes } from '../../../src/kernel/errors.ts';
import { InvalidInputError } from '../../../src/kernel/invalid-input-error.ts';
import { createSchema } from '../../../src/schema/create-schema.ts';
import { ErrorData, errorTypeName } from '../../../src/schema/results/error-data.ts';
import { codesOf, execute } from '../support/execute.ts';
import { at, handleOf, runId, runRecord } from '../support/records.ts';
import { registryWith } from '../support/registry-with.ts';

const schema = createSchema(registryWith());
const codes = Object.keys(errorCodes) as ErrorCode[];
const documented = readFileSync('docs/errors.md', 'utf8');
const [asData = '', ofRequest = ''] = documented.split('## Errors of the request');

const rowsOf = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => /^\| `[A-Z_]+`/.test(line))
    .map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim().replaceAll('`', ''))
        .slice(1, -1),
    );

test('codes, types and documentation are the same, both ways', () => {
  const type = schema.getType('ErrorCode');
  expect(
    isEnumType(type) &&
      type
        .getValues()
        .map(({ name }) => name)
        .sort(),
  ).toEqual([...codes].sort());
  const error = schema.getType('Error');
  const types = isInterfaceType(error)
    ? schema.getPossibleTypes(error).map(({ name }) => name)
    : [];
  expect([...types].sort()).toEqual(codes.map(errorTypeName).sort());
  const rows = rowsOf(asData).map(([code, name, retryable]) => [code, name, retryable]);
  expect(rows).toEqual(
    codes.map((code) => [code, errorTypeName(code), errorCodes[code].retryable ? 'yes' : 'no']),
  );
});

test('every extension code of the contract is documented, and no other', () => {
  const contract = readFileSync('test/contract.graphql', 'utf8');
  const [comment = ''] = /# Codes in `errors\[\][^"]*/.exec(contract) ?? [];
  const named = comment.match(/\b[A-Z]+(_[A-Z]+)+\b|\b(UNAUTHENTICATED|FORBIDDEN)\b/g) ?? [];
  expect(named.length).toBe(10);
  expect(
    rowsOf(ofRequest)
      .map(([code]) => code)
      .sort(),
  ).toEqual([...named].sort());
});

const budget = {
  id: runId,
  subject: 'ada',
  period: 'DAILY',
  limit: '1',
  spent: '0.9',
  held: '0.05',
  resetsAt: at.toISOString(),
} as const;
const issues = [{ path: ['a', 'b'], message: 'is missing' }];

/** Each code's error as it may be thrown, and what a client reads of it beyond the common fields. */
const samples: { [Code in ErrorCode]?: [details: object, fields: string, read: object] } = {
  BUDGET_EXCEEDED: [
    { budget, remaining: '0.05', estimated: '0.2', heldByOthers: '0.01' },
    'budget { subject limit spent held remaining resetsAt } remaining estimated heldByOthers resetsAt',
    {
      budget: { subject: 'ada', remaining: '0.05', resetsAt: at.toISOString() },
      remaining: '0.05',
      estimated: '0.2',
      heldByOthers: '0.01',
      resetsAt: at.toISOString(),
    },
  ],
  PROMPT_VARIABLES_INVALID: [{ issues }, 'issues { path message }', { issues }],
  TEMPLATE_INVALID: [{ issues }, 'issues { path message }', { issues }],
  EXPERIMENT_INVALID: [{ issues }, 'issues { path message }', { issues }],
  OUTPUT_INVALID: [{ issues, text: '{' }, 'issues { path } text', { text: '{' }],
  MODEL_RATE_LIMITED: [{ retryAfterMs: 40 }, 'retryAfterMs', { retryAfterMs: 40 }],
  MODEL_OVERLOADED: [{}, 'retryAfterMs', { retryAfterMs: null }],
};

test.each(codes)('%s is told with all it knows', async (code) => {
  const [details, fields, read] = samples[code] ?? [{}, '', {}];
  const error = { code, message: 'Why.', retryable: true, details } as never;
  const own = fields && `... on ${errorTypeName(code)} { ${fields} }`;
  const result = await execute(schema, {
    source: `query { run(id: "${runId}") { error { __typename code message retryable ${own} } } }`,
    services: { runs: { get: async () => runRecord({ status: 'FAILED', error }) } },
  });
  expect(result.errors).toBeUndefined();
  expect(result.data?.['run']).toMatchObject({
    error: { __typename: errorTypeName(code), code, message: 'Why.', retryable: true, ...read },
  });
});

const complete = `mutation { complete(input: { prompt: { text: "Hi" } }) {
  __typename ... on Completion { text } ... on Error { code message runId } } }`;

describe('a result', () => {
  const answer = (run: ReturnType<typeof runRecord>) =>
    execute(schema, {
      source: complete,
      services: { runs: { complete: async () => handleOf(run) } },
    });

  test('is the run that succeeded', async () => {
    expect(await answer(runRecord())).toEqual({
      data: { complete: { __typename: 'Completion', text: 'Hello.' } },
    });
  });

  test('is the error of the run that failed, with its id', async () => {
    const error = new DomainError('MODEL_TIMEOUT', 'Too slow.').toJSON();
    expect(await answer(runRecord({ status: 'FAILED', error }))).toMatchObject({
      data: {
        complete: {
          __typename: 'ModelTimeoutError',
          code: 'MODEL_TIMEOUT',
          runId: expect.any(String),
        },
      },
    });
  });

  test('is RUN_CANCELLED for a run that was stopped', async () => {
    expect(await answer(runRecord({ status: 'CANCELLED' }))).toMatchObject({
      data: { complete: { __typename: 'RunCancelledError', code: 'RUN_CANCELLED' } },
    });
  });

  test('is the error that kept the run from starting', async () => {
    const start = async () => {
      throw new DomainError('CONFLICT', 'Another input.');
    };
    const result = await execute(schema, {
      source: complete,
      services: { runs: { complete: start } },
    });
    expect(result).toMatchObject({
      data: { complete: { __typename: 'ConflictError', message: 'Another input.', runId: null } },
    });
  });

  test.each([
    ['an error that the union does not have', new DomainError('COLLECTION_NOT_FOUND', 'Odd.')],
    ['anything unexpected', new Error('the database is away')],
  ])('is never %s', async (_name, error) => {
    const start = async () => {
      throw error;
    };
    const result = await execute(schema, {
      source: complete,
      services: { runs: { complete: start } },
    });
    expect(result).toMatchObject({ data: null, errors: [{ message: error.message }] });
    expect(codesOf(result)).toEqual([undefined]);
  });
});

test('each result union says which of its members came', () => {
  const unions = Object.values(schema.getTypeMap())
    .filter(isUnionType)
    .filter(({ name }) => name.endsWith('Result'));
  expect(unions.length).toBe(18);
  for (const union of unions) {
    const failed = union.getTypes().filter(({ name }) => name.endsWith('Error'));
    expect(failed.length).toBeGreaterThan(0);
    for (const type of union.getTypes()) expect(isObjectType(type)).toBe(true);
    for (const { name } of failed) {
      const code = codes.find((candidate) => errorTypeName(candidate) === name);
      const told = union.resolveType?.(
        new ErrorData(new DomainError(code ?? 'CONFLICT', 'x')),
        {},
        {} as never,
        union,
      );
      expect(told).toBe(name);
    }
  }
});

test('what a room cannot make sense of is bad input, with its places', async () => {
  const usageRecords = async () => {
    throw new InvalidInputError('"after" is no cursor', [
      { path: ['after'], message: 'no cursor' },
    ]);
  };
  const source = '{ usageRecords(after: "x") { edges { cursor } } }';
  expect(await execute(schema, { source, services: { ledger: { usageRecords } } })).toMatchObject({
    errors: [
      {
        extensions: { code: 'BAD_USER_INPUT', issues: [{ path: ['after'], message: 'no cursor' }] },
      },
    ],
  });
});
