import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { SchemaBuilderForPlugins } from '../../../src/kernel/plugin.ts';
import { definePrompt } from '../../../src/kernel/prompt.ts';
import { StartupError } from '../../../src/kernel/startup-error.ts';
import { createSchema } from '../../../src/schema/create-schema.ts';
import { encodeGlobalId, type GlobalIdType } from '../../../src/schema/global-id.ts';
import {
  admin,
  codesOf,
  execute,
  open,
  type Request,
  type Result,
  user,
} from '../support/execute.ts';
import type { FakeRooms } from '../support/fake-services.ts';
import { at, runId, runRecord } from '../support/records.ts';
import { registryOf, registryWith } from '../support/registry-with.ts';
import { type RootField, rootFields } from '../support/sample-operation.ts';

const joke = definePrompt({
  name: 'joke',
  description: 'Tells a joke.',
  variables: z.object({}),
  template: 'Tell a joke.',
});
const schema = createSchema(registryOf(joke));
const fields = rootFields(schema);

/** What only an admin may do. A new field stands here or is every user's: decide. */
const adminOnly = [
  'Query.alerts',
  'Query.approvals',
  'Query.serverStatus',
  'Mutation.createApiKey',
  'Mutation.createExperiment',
  'Mutation.createPromptVersion',
  'Mutation.deleteCollection',
  'Mutation.deleteDocument',
  'Mutation.ingestDocuments',
  'Mutation.revokeApiKey',
  'Mutation.setBudget',
  'Mutation.setExperimentWeights',
  'Mutation.setPromptLabel',
  'Mutation.startExperiment',
  'Mutation.stopExperiment',
  'Mutation.updateCollection',
  'Subscription.alertRaised',
  'Subscription.approvalRequested',
  'Subscription.ingest',
];

const placeOf = ({ kind, name }: RootField): string =>
  `${kind.charAt(0).toUpperCase()}${kind.slice(1)}.${name}`;
const isAdminOnly = (field: RootField): boolean => adminOnly.includes(placeOf(field));

async function ask(field: RootField, request: Omit<Request, 'source'>): Promise<Result> {
  const { source, kind } = field;
  if (kind !== 'subscription') return execute(schema, { source, ...request });
  const opened = await open(schema, { source, ...request });
  return Symbol.asyncIterator in opened ? { data: null } : opened;
}

describe('every root field', () => {
  test('says who may use it', () => {
    const rules = fields.map((field) => [placeOf(field), field.authScopes]);
    const expected = fields.map((field) => [
      placeOf(field),
      isAdminOnly(field) ? { admin: true } : { user: true },
    ]);
    expect(fields.length).toBeGreaterThan(40);
    expect(rules).toEqual(expected);
  });

  test.each(fields.map((field) => [placeOf(field), field] as const))(
    '%s is closed to those who are not signed in',
    async (_place, field) => {
      expect(codesOf(await ask(field, { caller: null }))).toEqual(['UNAUTHENTICATED']);
      expect(codesOf(await ask(field, { caller: { ...user, roles: [] } }))).toEqual(['FORBIDDEN']);
    },
  );

  test.each(fields.filter(isAdminOnly).map((field) => [placeOf(field), field] as const))(
    '%s is closed to users',
    async (_place, field) => {
      expect(codesOf(await ask(field, { caller: user }))).toEqual(['FORBIDDEN']);
    },
  );
});

test('who may not use a field does not learn what is wrong with its arguments', async () => {
  const source = 'mutation { createApiKey(input: { name: "", userId: "", roles: [] }) { secret } }';
  expect(codesOf(await execute(schema, { source, caller: null }))).toEqual(['UNAUTHENTICATED']);
  expect(codesOf(await execute(schema, { source, caller: user }))).toEqual(['FORBIDDEN']);
  expect(codesOf(await execute(schema, { source, caller: admin }))).toEqual(['BAD_USER_INPUT']);
});

test('a plugin’s root field without a rule stops the start', () => {
  const graphql = (builder: SchemaBuilderForPlugins): void => {
    builder.queryField('loose', (t) => t.string({ resolve: () => 'x' }));
  };
  const plugin = { name: 'careless', version: '1.0.0', description: null, parts: { graphql } };
  const create = () => createSchema(registryWith({ plugins: [plugin] }));
  expect(create).toThrow(StartupError);
  expect(create).toThrow('Query.loose does not say who may use it');
});

describe('figures are one’s own, an admin’s are everybody’s', () => {
  const roomsThatNote = (asked: unknown[]): FakeRooms => ({
    auth: {
      apiKeys: async ({ userId }) => {
        asked.push(userId);
        return { edges: [], hasNextPage: false, hasPreviousPage: false };
      },
    },
    ledger: {
      costStats: async (request) => {
        asked.push(request.userId);
        throw new Error('enough');
      },
      usageRecords: async (request) => {
        asked.push(request.userId);
        return { edges: [], hasNextPage: false, hasPreviousPage: false };
      },
      budgets: async (subject) => {
        asked.push(subject);
        return [];
      },
    },
  });

  test.each([
    [
      'costStats',
      (who: string) => `{ costStats(input: { ${who && `userId: "${who}"`} }) { requests } }`,
    ],
    [
      'usageRecords',
      (who: string) =>
        `{ usageRecords(first: 1${who && `, userId: "${who}"`}) { pageInfo { hasNextPage } } }`,
    ],
    [
      'apiKeys',
      (who: string) =>
        `{ apiKeys(first: 1${who && `, userId: "${who}"`}) { pageInfo { hasNextPage } } }`,
    ],
    ['budgets', (who: string) => `{ budgets${who && `(subject: "${who}")`} { id } }`],
  ])('%s', async (_name, source) => {
    const asked: unknown[] = [];
    const services = roomsThatNote(asked);
    await execute(schema, { source: source(''), services });
    await execute(schema, { source: source('ada'), services });
    await execute(schema, { source: source(''), services, caller: admin });
    await execute(schema, { source: source('ada'), services, caller: admin });
    expect(asked).toEqual(['ada', 'ada', null, 'ada']);
    const other = await execute(schema, { source: source('bob'), services });
    expect(codesOf(other)).toEqual(['FORBIDDEN']);
    expect(asked).toHaveLength(4);
  });
});

describe('node', () => {
  const others: FakeRooms = {
    auth: {
      getApiKey: async (id) => ({
        id,
        name: 'key',
        userId: 'bob',
        groups: [],
        roles: ['USER'],
        prefix: 'tsr_',
        createdAt: at,
        lastUsedAt: null,
        expiresAt: null,
        revokedAt: null,
      }),
    },
    ledger: {
      alertsById: async (ids) =>
        ids.map((id) => ({
          id,
          kind: 'BUDGET_EXCEEDED',
          message: 'm',
          userId: 'bob',
          runId: null,
          cost: null,
          threshold: null,
          createdAt: at,
        })),
      budgetsById: async (ids) =>
        ids.map((id) => ({
          id,
          subject: 'bob',
          period: 'DAILY',
          limit: '1',
          spent: '0',
          held: '0',
          remaining: '1',
          resetsAt: at,
        })),
    },
    runs: {
      get: async (_id, caller) => (caller.roles.includes('ADMIN') ? runRecord() : null),
      approvalsById: async (ids) =>
        ids.map((id) => ({
          id,
          runId,
          callId: 'c',
          tool: 't',
          input: {},
          editedInput: null,
          status: 'PENDING',
          requestedAt: at,
          expiresAt: null,
          decidedAt: null,
          decidedBy: null,
          reason: null,
        })),
      scoresById: async (ids) =>
        ids.map((id) => ({ id, runId, name: 'n', value: 1, comment: null, createdAt: at })),
    },
  };
  const source = 'query ($id: ID!) { node(id: $id) { __typename id } }';

  test.each<GlobalIdType>(['ApiKey', 'Alert', 'Budget', 'Approval', 'Score', 'Run'])(
    'another’s %s is not there, for an admin it is',
    async (type) => {
      const id = encodeGlobalId(type, runId);
      const request = { source, variables: { id }, services: others };
      expect(await execute(schema, request)).toEqual({ data: { node: null } });
      const __typename = type === 'Run' ? 'Completion' : type;
      expect(await execute(schema, { ...request, caller: admin })).toEqual({
        data: { node: { __typename, id } },
      });
    },
  );
});
