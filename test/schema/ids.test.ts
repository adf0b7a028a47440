import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSchema } from '../../src/schema/create-schema.ts';
import {
  decodeGlobalId,
  encodeGlobalId,
  globalIdTypes,
  parseId,
} from '../../src/schema/global-id.ts';
import { cursorsOf, decodeCursor } from '../../src/schema/runs/cursor.ts';
import { admin, codesOf, execute } from './support/execute.ts';
import { runId, runRecord } from './support/records.ts';
import { registryWith } from './support/registry-with.ts';

const schema = createSchema(registryWith());
const badInput = expect.objectContaining({
  extensions: expect.objectContaining({ code: 'BAD_USER_INPUT' }),
});

describe('a cursor', () => {
  const position = fc.integer({ min: 0, max: 2 ** 31 - 1 });

  test('gives its position back, to its own run', () => {
    fc.assert(
      fc.property(fc.uuid(), position, (run, at) => {
        expect(decodeCursor(cursorsOf(run)(at), run)).toBe(at);
      }),
    );
  });

  test('of another run, or changed anywhere, is refused', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), position, fc.string(), (run, other, at, noise) => {
        const cursor = cursorsOf(run)(at);
        fc.pre(run !== other && cursorsOf(run)(0) !== cursorsOf(other)(0) && noise !== '');
        expect(() => decodeCursor(cursor, other)).toThrow(badInput);
        expect(() => decodeCursor(noise, run)).toThrow(badInput);
        expect(() => decodeCursor(cursor + noise, run)).toThrow(badInput);
      }),
    );
  });
});

describe('a global id', () => {
  test('gives its type and id back', () => {
    fc.assert(
      fc.property(fc.constantFrom(...globalIdTypes), fc.uuid(), (typename, id) => {
        const text = encodeGlobalId(typename, id);
        expect(decodeGlobalId(text)).toEqual({ typename, id });
        expect(parseId(typename, text)).toBe(id);
        expect(parseId(typename, id.toUpperCase())).toBe(id);
      }),
    );
  });

  test('is refused as anything else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => decodeGlobalId(text)).toThrow(badInput);
      }),
    );
    const ofDocument = encodeGlobalId('Document', runId);
    expect(() => parseId('Run', ofDocument)).toThrow('is the id of a Document, not of a Run');
  });
});

test.each([
  ['COMPLETION', 'Completion'],
  ['ANSWER', 'Answer'],
  ['AGENT', 'AgentRun'],
] as const)('a run of kind %s has one id wherever it shows', async (kind, type) => {
  const services = { runs: { get: async () => runRecord({ kind }) } };
  const id = encodeGlobalId('Run', runId);
  const found = { __typename: type, id };
  for (const asked of [id, runId]) {
    const source = `{ run(id: "${asked}") { __typename id } }`;
    expect(await execute(schema, { source, services })).toEqual({ data: { run: found } });
  }
  const source = `{ node(id: "${id}") { __typename id } }`;
  expect(await execute(schema, { source, services })).toEqual({ data: { node: found } });
});

test.each([
  ['{ run(id: "nonsense") { id } }', ['id']],
  [`{ run(id: "${encodeGlobalId('Document', runId)}") { id } }`, ['id']],
  ['{ node(id: "nonsense") { id } }', ['id']],
  [`{ node(id: "${Buffer.from(`User:${runId}`).toString('base64url')}") { id } }`, ['id']],
  ['{ usageRecords(runId: "x") { edges { cursor } } }', ['runId']],
  ['mutation { cancelRun(id: "x") { __typename } }', ['id']],
  [
    'mutation { scoreRun(input: { runId: "x", name: "n", value: 1 }) { __typename } }',
    ['input', 'runId'],
  ],
  [
    'mutation { decideApproval(input: { approvalId: "x", approve: true }) { __typename } }',
    ['input', 'approvalId'],
  ],
])('%s is bad input', async (source, path) => {
  const result = await execute(schema, { source, caller: admin });
  expect(codesOf(result)).toEqual(['BAD_USER_INPUT']);
  expect(result.errors?.[0]?.extensions?.['issues']).toMatchObject([{ path }]);
});
