import { expect, test } from 'vitest';
import { startTestServer } from '../support/start-test-server.ts';

const createKey = `mutation ($input: CreateApiKeyInput!) {
  createApiKey(input: $input) { secret apiKey { groups roles } }
}`;

interface Created {
  createApiKey: { secret: string; apiKey: { groups: string[]; roles: string[] } };
}

test('a key gives its holder groups and any of the six roles', async () => {
  await using server = await startTestServer();
  const roles = ['OPERATOR', 'EDITOR', 'APPROVER', 'AUDITOR', 'USER'];
  const input = { name: 'app', userId: 'ada', groups: ['sales', 'emea'], roles };
  const { createApiKey } = await server.data<Created>(createKey, { input });
  expect(createApiKey.apiKey).toEqual({ groups: ['sales', 'emea'], roles });
  const as = { as: createApiKey.secret };
  expect(await server.data('{ viewer { userId groups roles } }', {}, as)).toEqual({
    viewer: { userId: 'ada', groups: ['sales', 'emea'], roles },
  });
});

test('a group with a comma in its name is refused', async () => {
  await using server = await startTestServer();
  const input = { name: 'app', userId: 'ada', groups: ['sales,hr'], roles: ['USER'] };
  const answer = await server.execute(createKey, { input });
  expect(answer.errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT');
});

test('no key is made for a user that the server itself is', async () => {
  await using server = await startTestServer();
  const answerTo = (userId: string, roles: string[]) =>
    server.execute<Created>(createKey, { input: { name: 'app', userId, roles } });
  for (const userId of ['*', 'system', 'admin', ' admin ']) {
    const { errors } = await answerTo(userId, ['USER']);
    expect(errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT');
  }
  expect((await answerTo('admin', ['ADMIN'])).errors).toBeUndefined();
});

test('a run keeps the groups and roles that it was begun with', async () => {
  await using server = await startTestServer();
  const input = { name: 'app', userId: 'ada', groups: ['sales'], roles: ['USER', 'EDITOR'] };
  const { createApiKey } = await server.data<Created>(createKey, { input });
  const complete = `mutation { complete(input: { prompt: { text: "Say hello." } }) { ... on Completion { id } } }`;
  await server.data(complete, {}, { as: createApiKey.secret });
  const rows = await server.database.query('SELECT "userId", groups, roles FROM "Run"');
  expect(rows).toEqual([{ userId: 'ada', groups: ['sales'], roles: ['USER', 'EDITOR'] }]);
});
