import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineAgent, definePlugin, defineTool, z } from '../../src/tessera.ts';
import { openRawWebSocket } from '../support/raw-web-socket.ts';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';

let release = (): void => undefined;
let stepped: PromiseWithResolvers<void>;
let calls = 0;

const desk = definePlugin({
  name: 'desk',
  version: '1.0.0',
  setup: () => ({
    tools: [
      defineTool({
        name: 'step',
        description: 'Takes a step.',
        input: z.object({}),
        output: z.string(),
        async run() {
          calls += 1;
          stepped.resolve();
          await new Promise<void>((resolve) => {
            release = resolve;
          });
          return 'taken';
        },
      }),
    ],
    agents: [
      defineAgent({
        name: 'walker',
        description: 'Walks.',
        instructions: 'Walk.',
        tools: ['step'],
      }),
    ],
  }),
});

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ plugins: [desk()] });
});
afterAll(() => server[Symbol.asyncDispose]());

const CREATE = `mutation ($input: CreateApiKeyInput!) {
  createApiKey(input: $input) { secret apiKey { id } } }`;
interface Created {
  createApiKey: { secret: string; apiKey: { id: string } };
}
async function newKey(input: object = {}) {
  const base = { name: 'app', userId: 'ada', roles: ['USER'], ...input };
  const { createApiKey } = await server.data<Created>(CREATE, { input: base });
  return { id: createApiKey.apiKey.id, secret: createApiKey.secret };
}

const statusOf = async (secret: string, headers: Record<string, string> = {}) =>
  (await server.execute('{ viewer { userId } }', {}, { as: secret, headers })).status;

const ROTATE = `mutation ($id: ID!, $seconds: Int) {
  rotateApiKey(input: { id: $id, oldSecretValidForSeconds: $seconds }) {
    __typename ... on CreatedApiKey { secret apiKey { previousSecretUntil } } ... on Error { code } } }`;
interface Rotated {
  rotateApiKey: { secret: string; code?: string };
}

describe('a rotated key', () => {
  const rotate = async (id: string, seconds?: number) =>
    (await server.data<Rotated>(ROTATE, { id, seconds })).rotateApiKey;

  test('signs in by both secrets, for the stated time', async () => {
    const key = await newKey();
    const { secret } = await rotate(key.id, 3_600);
    expect(await statusOf(key.secret)).toBe(200);
    expect(await statusOf(secret)).toBe(200);
    await server.database.query(
      `UPDATE "ApiKey" SET "previousUntil" = now() - interval '1 second' WHERE "previousUntil" IS NOT NULL`,
    );
    expect(await statusOf(key.secret)).toBe(401);
    expect(await statusOf(secret)).toBe(200);
  });

  test('loses its old secret at once where that is asked, and the one before in any case', async () => {
    const key = await newKey();
    const second = await rotate(key.id);
    const third = await rotate(key.id, 0);
    expect(await statusOf(key.secret)).toBe(401);
    expect(await statusOf(second.secret)).toBe(401);
    expect(await statusOf(third.secret)).toBe(200);
  });

  test('is refused with both secrets once it is revoked, and is not rotated then', async () => {
    const key = await newKey();
    const { secret } = await rotate(key.id);
    await server.data('mutation ($id: ID!) { revokeApiKey(id: $id) { __typename } }', {
      id: key.id,
    });
    expect(await statusOf(key.secret)).toBe(401);
    expect(await statusOf(secret)).toBe(401);
    expect((await rotate(key.id)).code).toBe('CONFLICT');
  });
});

const RUN = `mutation ($message: String!) {
  runAgent(input: { agent: "walker", message: $message, wait: false, options: { onDisconnect: CONTINUE } }) {
    ... on AgentRun { id } } }`;
const STATUS = `query ($id: ID!) { run(id: $id) { status error { code message } } }`;
interface Status {
  run: { status: string; error: { code: string; message: string } | null };
}

async function beginWalk() {
  stepped = Promise.withResolvers();
  calls = 0;
  const key = await newKey();
  const message = '[demo:tool step {}] [demo:next] [demo:tool step {}]';
  const { runAgent } = await server.data<{ runAgent: { id: string } }>(
    RUN,
    { message },
    { as: key.secret },
  );
  await stepped.promise;
  return { key, runId: runAgent.id };
}
const statusNow = async (id: string) => (await server.data<Status>(STATUS, { id })).run;

describe('a revoked key', () => {
  test('takes the runs that it began along', async () => {
    const { key, runId } = await beginWalk();
    await server.data('mutation ($id: ID!) { revokeApiKey(id: $id) { __typename } }', {
      id: key.id,
    });
    await expect.poll(async () => (await statusNow(runId)).status).toBe('CANCELLED');
    expect(calls).toBe(1);
  });

  test('lets them go on where that is asked', async () => {
    const { key, runId } = await beginWalk();
    const revoke = 'mutation ($id: ID!) { revokeApiKey(id: $id, stopRuns: false) { __typename } }';
    await server.data(revoke, { id: key.id });
    expect(await statusOf(key.secret)).toBe(401);
    release();
    await expect
      .poll(async () => {
        release();
        return (await statusNow(runId)).status;
      })
      .toBe('SUCCEEDED');
  });

  test('is noticed before the next step, though nobody has stopped the run', async () => {
    const { key, runId } = await beginWalk();
    // As by a server that died between the revocation and the stop.
    const uuid = Buffer.from(key.id, 'base64url').toString().split(':')[1];
    await server.database.query(`UPDATE "ApiKey" SET "revokedAt" = now() WHERE id = $1`, [uuid]);
    release();
    await expect.poll(async () => (await statusNow(runId)).status).toBe('CANCELLED');
    expect((await statusNow(runId)).error?.message).toContain('revoked');
    expect(calls).toBe(1);
  });
});

describe('a key that acts for users', () => {
  const viewer = '{ viewer { userId groups roles } }';
  const asUser = (user: string, groups?: string) => ({
    'x-tessera-user': user,
    ...(groups === undefined ? {} : { 'x-tessera-groups': groups }),
  });
  const viewerOf = async (secret: string, headers: Record<string, string>) => {
    const answer = await server.execute<{ viewer: object }>(viewer, {}, { as: secret, headers });
    return answer.data?.viewer ?? answer.errors?.[0]?.extensions?.['code'];
  };

  test('names the user and the groups of each request, whose role is USER', async () => {
    const { secret } = await newKey({ actsForUsers: true, roles: ['ADMIN'], groups: ['backend'] });
    expect(await viewerOf(secret, asUser('bob', 'sales, emea,sales'))).toEqual({
      userId: 'bob',
      groups: ['sales', 'emea'],
      roles: ['USER'],
    });
    expect(await viewerOf(secret, asUser("UTF-8''J%C3%BCrgen"))).toEqual({
      userId: 'Jürgen',
      groups: [],
      roles: ['USER'],
    });
    expect(await viewerOf(secret, {})).toMatchObject({ userId: 'ada', roles: ['ADMIN'] });
  });

  test('names nobody that a token may not name, and no groups without a user', async () => {
    const { secret } = await newKey({ actsForUsers: true });
    for (const user of ['admin', 'system', '*', '', 'x'.repeat(256)]) {
      expect(await viewerOf(secret, asUser(user))).toBe('FORBIDDEN');
    }
    expect(await viewerOf(secret, { 'x-tessera-groups': 'hr' })).toBe('BAD_USER_INPUT');
  });

  test('is the only one that may', async () => {
    const { secret } = await newKey({ roles: ['ADMIN', 'USER'] });
    expect(await viewerOf(secret, asUser('bob'))).toBe('FORBIDDEN');
    expect(await viewerOf(server.adminKey, asUser('bob'))).toBe('FORBIDDEN');
  });

  test('has each user’s runs kept apart, and counted under the key', async () => {
    const { secret } = await newKey({ actsForUsers: true });
    const complete = `mutation { complete(input: { prompt: { text: "of bob" } }) { ... on Completion { id } } }`;
    const { data } = await server.execute<{ complete: { id: string } }>(
      complete,
      {},
      { as: secret, headers: asUser('bob') },
    );
    const variables = { id: data!.complete.id };
    const read = async (user: string) =>
      (await server.execute<Status>(STATUS, variables, { as: secret, headers: asUser(user) })).data;
    expect((await read('bob'))?.run.status).toBe('SUCCEEDED');
    expect(await read('eve')).toEqual({ run: null });
  });

  test('names them over WebSocket, in connection_init', async () => {
    const { secret } = await newKey({ actsForUsers: true });
    using socket = await openRawWebSocket(`${server.url}/graphql`);
    await socket.init({ Authorization: `Bearer ${secret}`, 'X-Tessera-User': 'bob' });
    socket.subscribe('1', viewer);
    expect(await socket.next()).toMatchObject({ payload: { data: { viewer: { userId: 'bob' } } } });
    using other = await openRawWebSocket(`${server.url}/graphql`);
    void other.init({ authorization: `Bearer ${server.adminKey}`, 'x-tessera-user': 'bob' });
    expect((await other.closed).code).toBe(4403);
  });
});
