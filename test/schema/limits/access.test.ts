import { readFileSync } from 'node:fs';
import type { GraphQLInterfaceType } from 'graphql';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { withAccessTables } from '../../../scripts/access-tables.ts';
import { builtInSchema } from '../../../scripts/built-in-schema.ts';
import { type Role, roles } from '../../../src/kernel/access/principal.ts';
import type { SchemaBuilderForPlugins } from '../../../src/kernel/plugin.ts';
import { definePrompt } from '../../../src/kernel/prompt.ts';
import { StartupError } from '../../../src/kernel/startup-error.ts';
import { createSchema } from '../../../src/schema/create-schema.ts';
import { encodeGlobalId, type GlobalIdType } from '../../../src/schema/global-id.ts';
import { ofContent } from '../../../src/schema/limits/access.ts';
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

const page = readFileSync('docs/access.md', 'utf8');

/** The page's table: the roles that may use each field. */
const allowed = new Map(
  [...page.matchAll(/^\| `((?:Query|Mutation|Subscription)\.\w+)` \|(.*)\|$/gm)].map(
    ([, field = '', cells = '']) => {
      const marks = cells.split('|').map((cell) => cell.trim());
      return [field, roles.filter((_, at) => marks[at] === '●')];
    },
  ),
);

const placeOf = ({ kind, name }: RootField): string =>
  `${kind.charAt(0).toUpperCase()}${kind.slice(1)}.${name}`;
/** A prompt's own fields are every user's. */
const rolesFor = (field: RootField): Role[] => allowed.get(placeOf(field)) ?? ['ADMIN', 'USER'];

async function ask(field: RootField, request: Omit<Request, 'source'>): Promise<Result> {
  const { source, kind } = field;
  if (kind !== 'subscription') return execute(schema, { source, ...request });
  const opened = await open(schema, { source, ...request });
  return Symbol.asyncIterator in opened ? { data: null } : opened;
}

const refusedByRule = 'Your key does not allow this.';

describe('every root field', () => {
  test('stands in docs/access.md with the roles that may use it (npm run schema:print)', async () => {
    expect(page).toBe(withAccessTables(page, await builtInSchema()));
    expect(allowed.size).toBeGreaterThan(50);
    expect(fields.map(placeOf).filter((place) => !allowed.has(place))).toEqual([
      'Mutation.joke',
      'Subscription.joke',
    ]);
  });

  test.each(fields.map((field) => [placeOf(field), field] as const))(
    '%s is open to its roles, and closed to all others',
    async (_place, field) => {
      expect(codesOf(await ask(field, { caller: null }))).toEqual(['UNAUTHENTICATED']);
      expect(codesOf(await ask(field, { caller: { ...user, roles: [] } }))).toEqual(['FORBIDDEN']);
      for (const role of roles) {
        const result = await ask(field, { caller: { ...user, roles: [role] } });
        // A resolver may refuse an argument on its own, in other words.
        const messages = (result.errors ?? []).map(({ message }) => message);
        const expected = rolesFor(field).includes(role) ? [] : [[role, refusedByRule]];
        expect(
          messages.filter((text) => text === refusedByRule).map((text) => [role, text]),
        ).toEqual(expected);
      }
    },
  );
});

/** Fields of runs that say nothing of what was asked or answered. A new field stands here, or is guarded as content. */
const withoutContent = [
  ...['id', 'status', 'createdAt', 'finishedAt', 'durationMs', 'timeToFirstTokenMs'],
  ...['userId', 'requestId', 'model', 'usage', 'cost', 'error', 'stopReason', 'cached', 'degraded'],
  ...['outputFields', 'promptVersion', 'experiment', 'agent', 'maxTurns'],
  ...['tags', 'continues', 'conversation', 'subRuns'],
  ...['documents', 'created', 'updated', 'unchanged', 'chunks'],
];

test('every field of a run that shows content is guarded as content', () => {
  const run = schema.getType('Run') as GraphQLInterfaceType;
  const open = schema.getPossibleTypes(run).flatMap((type) =>
    Object.values(type.getFields())
      .filter(({ extensions }) => {
        const options = extensions['pothosOptions'] as { authScopes?: unknown } | undefined;
        return options?.authScopes !== ofContent;
      })
      .map(({ name }) => name),
  );
  expect([...new Set(open)].filter((name) => !withoutContent.includes(name))).toEqual([]);
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
        scopes: null,
        actsForUsers: false,
        prefix: 'tsr_',
        createdAt: at,
        lastUsedAt: null,
        expiresAt: null,
        revokedAt: null,
        previousUntil: null,
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
      mayDecide: () => false,
      get: async (_id, caller) => (caller.roles.includes('ADMIN') ? runRecord() : null),
      approvalsById: async (ids) =>
        ids.map((id) => ({
          id,
          runId,
          ownerId: 'bob',
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
