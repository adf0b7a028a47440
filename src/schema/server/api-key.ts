import { z } from 'zod';
import type { ApiKeyRecord } from '../../auth/auth.ts';
import { isReservedUserId } from '../../auth/user-id.ts';
import { isAdmin, type Role, roles } from '../../kernel/access/principal.ts';
import type { Builder, ObjectFields } from '../builder.ts';
import { declareConnection, pageArguments, pageRequest, toConnection } from '../connection.ts';
import type { GraphQLContext } from '../context.ts';
import { encodeGlobalId, parseId } from '../global-id.ts';
import { callerOf, mayRead, userScope } from '../limits/access.ts';
import { pageCost } from '../limits/operation-limits.ts';
import { badUserInput, forbidden } from '../limits/request-error.ts';
import { nameSchema } from '../name-schema.ts';
import { asResult } from '../results/as-result.ts';
import { resultUnion } from '../results/result-union.ts';
import { storableText } from '../storable-text.ts';
import { toScopes } from './scopes.ts';

const name = storableText(200).trim().min(1);

const groups = z.array(name.refine((text) => !text.includes(','), 'must hold no comma')).max(100);

const codes = ['NOT_FOUND'] as const;

const isFuture = (date: Date): boolean => date.getTime() > Date.now();

function declareCreatedApiKey(builder: Builder): void {
  builder.objectType('CreatedApiKey', {
    description: 'The only time the secret is shown; the server keeps a hash.',
    fields: (t) => ({
      apiKey: t.expose('apiKey', { type: 'ApiKey', description: 'The key.' }),
      secret: t.exposeString('secret', {
        description: 'The secret to send as `authorization: Bearer …`.',
      }),
    }),
  });
}

/** From when and until when a key signs in. */
const lifeFields = (t: ObjectFields<ApiKeyRecord>) => ({
  createdAt: t.expose('createdAt', {
    type: 'DateTime',
    description: 'The time when the key was created.',
  }),
  lastUsedAt: t.expose('lastUsedAt', {
    type: 'DateTime',
    nullable: true,
    description: 'The last request with this key, accurate to a minute; null before the first.',
  }),
  expiresAt: t.expose('expiresAt', {
    type: 'DateTime',
    nullable: true,
    description: 'The time from which the key is refused; null if it does not expire.',
  }),
  previousSecretUntil: t.expose('previousUntil', {
    type: 'DateTime',
    nullable: true,
    description: 'The time until which the secret from before the last rotation is accepted.',
  }),
  revokedAt: t.expose('revokedAt', {
    type: 'DateTime',
    nullable: true,
    description: 'The time when the key was revoked; null if it was not.',
  }),
});

function declareApiKeyType(builder: Builder): void {
  builder.node('ApiKey', {
    description: 'An API key. The server stores a hash of the secret only.',
    id: { resolve: (key) => key.id },
    loadOne: async (id, context) => {
      const key = await context.loaders.apiKey.load(id);
      return key && mayRead(context, 'keys', key.userId) ? key : null;
    },
    fields: (t) => ({
      name: t.exposeString('name', { description: 'A name for people.' }),
      userId: t.exposeString('userId', {
        description: 'The user that requests with this key act as.',
      }),
      groups: t.exposeStringList('groups', { description: 'Groups of the user.' }),
      roles: t.expose('roles', { type: ['Role'], description: 'Roles of requests with this key.' }),
      prefix: t.exposeString('prefix', {
        description: 'The first characters of the secret, to recognise it by.',
      }),
      ...lifeFields(t),

      scopes: t.expose('scopes', {
        type: 'Scopes',
        nullable: true,
        description: 'Restrictions of the key; null if there are none.',
      }),
      actsForUsers: t.exposeBoolean('actsForUsers', {
        description: 'Whether requests may name the end user that they act for.',
      }),
    }),
  });
  declareCreatedApiKey(builder);
}

/** A key without the role ADMIN must not take the user id of the server's own admin, or of all users. */
function assertUserIdIsFree({ userId, roles: given }: { userId: string; roles: readonly Role[] }) {
  if (!isReservedUserId(userId) || (userId === 'admin' && given.includes('ADMIN'))) return;
  const message = 'is reserved for the server itself: name the user otherwise';
  throw badUserInput([{ path: ['input', 'userId'], message }]);
}

/** Operators make and revoke keys of users; a key with any other role is an admin's matter. */
function assertMayManage(context: GraphQLContext, keyRoles: readonly Role[]): void {
  if (isAdmin(callerOf(context)) || keyRoles.every((role) => role === 'USER')) return;
  throw forbidden('Only an admin may make or revoke a key with another role than USER.');
}

/** A key as the audit log names it: by its global id, however the caller gave it. */
const keySubject = (id: string): string => encodeGlobalId('ApiKey', parseId('ApiKey', id));

const subjectOf = (made: unknown): string | null => {
  const key = (made as { apiKey?: { id: string } } | undefined)?.apiKey;
  return key ? encodeGlobalId('ApiKey', key.id) : null;
};

function declareCreateApiKeyInput(builder: Builder) {
  return builder.inputType('CreateApiKeyInput', {
    description: 'An API key to create.',
    fields: (t) => ({
      name: t.string({
        required: true,
        description: 'A name for people.',
        validate: { schema: name },
      }),
      userId: t.string({
        required: true,
        description: 'The user that requests with this key act as.',
        validate: { schema: name },
      }),
      groups: t.stringList({
        description:
          'Groups of the user, as names without commas. Readers of documents are named by them.',
        validate: { schema: groups },
      }),
      roles: t.field({
        type: ['Role'],
        required: true,
        description: 'Roles of requests with this key. Another role than USER requires an admin.',
        validate: { minLength: 1, maxLength: roles.length },
      }),
      scopes: t.field({
        type: 'ScopesInput',
        description: 'Restrictions of the key. Default: none.',
      }),
      actsForUsers: t.boolean({
        description:
          "The holder may name the end user of each request (header `x-tessera-user`, `x-tessera-groups`): for an application's own backend. Such a request has the role USER.",
      }),
      expiresAt: t.field({
        type: 'DateTime',
        description: 'The time from which the key is refused. Default: never.',
        validate: { refine: [isFuture, { message: 'must lie in the future' }] },
      }),
    }),
  });
}

function declareCreateApiKey(builder: Builder): void {
  const CreateApiKeyInput = declareCreateApiKeyInput(builder);
  builder.mutationField('createApiKey', (t) =>
    t.field({
      type: 'CreatedApiKey',
      description: 'Creates an API key and returns its secret once. For operators and admins.',
      authScopes: { operator: true },
      audit: (
        { input: { name, userId, groups, roles, scopes, actsForUsers, expiresAt } },
        made,
      ) => ({
        subject: subjectOf(made),
        detail: { name, userId, groups, roles, scopes, actsForUsers, expiresAt },
      }),
      args: { input: t.arg({ type: CreateApiKeyInput, required: true }) },
      resolve: (_root, { input }, context) => {
        assertMayManage(context, input.roles);
        assertUserIdIsFree(input);
        return context.services.auth.createApiKey({
          ...input,
          groups: input.groups ?? [],
          scopes: toScopes(input.scopes),
          actsForUsers: input.actsForUsers ?? false,
          expiresAt: input.expiresAt ?? null,
        });
      },
    }),
  );
}

function declareApiKeys(builder: Builder): void {
  const apiKeys = declareConnection(builder, 'ApiKey');
  builder.queryField('apiKeys', (t) =>
    t.field({
      type: apiKeys,
      description:
        "Lists API keys, newest first: the caller's own, or everybody's for operators and admins. Secrets are never returned.",
      authScopes: { user: true, operator: true },
      complexity: pageCost,
      args: {
        ...pageArguments(t.arg),
        userId: t.arg.string({
          description: 'Keys of this user.',
          validate: { schema: nameSchema() },
        }),
      },
      resolve: async (_root, { userId, ...page }, context) => {
        const request = { ...pageRequest(page), userId: userScope(context, 'keys', userId) };
        return toConnection(await context.services.auth.apiKeys(request));
      },
    }),
  );
}

const maxOverlapSeconds = 30 * 86_400;

function declareRotateApiKey(builder: Builder): void {
  const RotateApiKeyInput = builder.inputType('RotateApiKeyInput', {
    description: 'A key to give a new secret.',
    fields: (t) => ({
      id: t.id({ required: true, description: 'The key.' }),
      oldSecretValidForSeconds: t.int({
        description: 'Time for which the replaced secret is still accepted. Default: 86400, a day.',
        validate: { min: 0, max: maxOverlapSeconds },
      }),
    }),
  });
  const rotateCodes = ['NOT_FOUND', 'CONFLICT'] as const;
  const RotateApiKeyResult = resultUnion(builder, 'RotateApiKeyResult', {
    types: ['CreatedApiKey'],
    codes: rotateCodes,
  });
  builder.mutationField('rotateApiKey', (t) =>
    t.field({
      type: RotateApiKeyResult,
      description:
        'Gives a key a new secret. The old one is accepted for a limited time, so that no client is locked out. For operators and admins.',
      authScopes: { operator: true },
      audit: ({ input: { id, oldSecretValidForSeconds } }) => ({
        subject: keySubject(id),
        detail: { oldSecretValidForSeconds },
      }),
      args: { input: t.arg({ type: RotateApiKeyInput, required: true }) },
      resolve: (_root, { input }, context) => {
        const keyId = parseId('ApiKey', input.id, ['input', 'id']);
        return asResult(rotateCodes, async () => {
          const { auth } = context.services;
          assertMayManage(context, (await auth.getApiKey(keyId))?.roles ?? []);
          return auth.rotateApiKey(keyId, (input.oldSecretValidForSeconds ?? 86_400) * 1_000);
        });
      },
    }),
  );
}

function declareRevokeApiKey(builder: Builder): void {
  const RevokeApiKeyResult = resultUnion(builder, 'RevokeApiKeyResult', {
    types: ['ApiKey'],
    codes,
  });
  builder.mutationField('revokeApiKey', (t) =>
    t.field({
      type: RevokeApiKeyResult,
      description:
        'Revokes a key at once on every server, and stops its runs unless `stopRuns` is false. For operators and admins.',
      authScopes: { operator: true },
      audit: ({ id, stopRuns }) => ({
        subject: keySubject(id),
        detail: { stopRuns: stopRuns !== false },
      }),
      args: {
        id: t.arg.id({ required: true, description: 'The key.' }),
        stopRuns: t.arg.boolean({
          description: 'Whether the runs that the key began are stopped. Default: true.',
        }),
      },
      resolve: (_root, { id, stopRuns }, context) => {
        const keyId = parseId('ApiKey', id);
        return asResult(codes, async () => {
          const { auth, runs } = context.services;
          assertMayManage(context, (await auth.getApiKey(keyId))?.roles ?? []);
          const runsGoOn = stopRuns === false;
          const key = await auth.revokeApiKey(keyId, { runsGoOn });
          if (!runsGoOn) await runs.cancelAll({ apiKeyId: keyId });
          return key;
        });
      },
    }),
  );
}

/** `ApiKey`, with the list of them and the mutations that make, rotate and revoke one. */
export function declareApiKey(builder: Builder): void {
  declareApiKeyType(builder);
  declareCreateApiKey(builder);
  declareApiKeys(builder);
  declareRotateApiKey(builder);
  declareRevokeApiKey(builder);
}
