import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Member, startDeployment, type TestDeployment } from './support/deployment.ts';
import { AGENT, asking, COMPLETE, EVENTS, type StreamEvent } from './support/run-operations.ts';
import { clientOf } from './support/server-client.ts';

const requestsAMinute = 50;

interface Completed {
  complete: { __typename: string; status?: string; cached?: boolean; cost?: string; code?: string };
}

describe.runIf(process.env['TEST_DATABASE_URL'])('what one server changes holds on all', () => {
  let deployment: TestDeployment;
  let here: Member;
  let there: Member;
  beforeAll(async () => {
    const config = fileURLToPath(new URL('support/approval.config.ts', import.meta.url));
    deployment = await startDeployment({
      servers: 3,
      environment: { RATE_LIMIT: String(requestsAMinute), TESSERA_CONFIG: config },
    });
    [here, there] = deployment.servers as [Member, Member];
  });
  afterAll(async () => deployment?.[Symbol.asyncDispose]());

  const keyFor = async (userId: string) => {
    const CREATE = `mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret apiKey { id } } }`;
    const input = { name: userId, userId, roles: ['USER'] };
    const { createApiKey } = await here.client.data<{
      createApiKey: { secret: string; apiKey: { id: string } };
    }>(CREATE, { input });
    return createApiKey;
  };

  test('a prompt version and the move of its label', async () => {
    const CREATE = `mutation ($input: CreatePromptVersionInput!) {
      createPromptVersion(input: $input) { __typename ... on PromptVersion { number } } }`;
    const RENDER = `query ($input: PromptInput!) { renderPrompt(input: $input) {
      __typename ... on RenderedPrompt { messages { text } } } }`;
    const input = { summarization: { text: 'the text' } };
    const rendered = async ({ client }: Member) =>
      JSON.stringify(await client.data(RENDER, { input }));
    for (const server of deployment.servers) expect(await rendered(server)).not.toContain('Anew');
    const template = 'Anew: {{ text }}';
    await here.client.data(CREATE, {
      input: { prompt: 'summarization', template, labels: ['production'] },
    });
    for (const server of deployment.servers) expect(await rendered(server)).toContain('Anew');
    const MOVE = `mutation ($input: SetPromptLabelInput!) { setPromptLabel(input: $input) { __typename } }`;
    await there.client.data(MOVE, {
      input: { prompt: 'summarization', label: 'production', version: 1 },
    });
    for (const server of deployment.servers) expect(await rendered(server)).not.toContain('Anew');
  });

  test('a key that is revoked', async () => {
    const { secret, apiKey } = await keyFor('leaver');
    const viewer = '{ viewer { __typename } }';
    expect((await clientOf(there.url, secret).execute(viewer)).errors).toBeUndefined();
    const REVOKE = `mutation ($id: ID!) { revokeApiKey(id: $id) { __typename } }`;
    await here.client.data(REVOKE, { id: apiKey.id });
    expect((await clientOf(there.url, secret).execute(viewer)).status).toBe(401);
  });

  test('a budget: calls of all servers at once never pass it', async () => {
    const { secret } = await keyFor('thrifty');
    const SET = `mutation ($input: SetBudgetInput!) { setBudget(input: $input) { limit } }`;
    const call = { input: { prompt: { text: 'x' }, maxTokens: 100, options: { cache: 'BYPASS' } } };
    await here.client.data(SET, { input: { subject: 'thrifty', period: 'DAILY', limit: '0.005' } });
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        clientOf(deployment.servers[index % 3]!.url, secret).data<Completed>(COMPLETE, call),
      ),
    );
    const kinds = Map.groupBy(answers, ({ complete }) => complete.__typename);
    expect([...kinds.keys()].sort()).toEqual(['BudgetExceededError', 'Completion']);
    const [window] = await deployment.database.query<{ spent: string; held: string }>(
      `SELECT sum(cost)::text AS spent, (SELECT count(*) FROM "Hold")::text AS held FROM "UsageRecord"
       WHERE "userId" = 'thrifty'`,
    );
    expect(Number(window?.spent)).toBeLessThanOrEqual(0.005);
    expect(window?.held).toBe('0');
  });

  test('an answer in the cache', async () => {
    const call = asking('Cache this for everybody', { cache: 'DEFAULT' });
    const first = await here.client.data<Completed>(COMPLETE, call);
    const second = await there.client.data<Completed>(COMPLETE, call);
    expect(first.complete.cached).toBe(false);
    expect(second.complete).toMatchObject({ cached: true, cost: '0' });
  });

  test('an idempotency key', async () => {
    const call = asking('Only once', { idempotencyKey: 'k1' });
    const calls = deployment.demo.requests.length;
    const answers = await Promise.all(
      deployment.servers.map(({ client }) =>
        client.data<{ complete: { id: string } }>(COMPLETE, call),
      ),
    );
    expect(new Set(answers.map(({ complete }) => complete.id)).size).toBe(1);
    expect(deployment.demo.requests.length).toBe(calls + 1);
  });

  test('an approval: asked for here, decided there, told on a third', async () => {
    const input = { agent: 'cashier', message: '[demo:tool refund {"amount":5}] Refund me.' };
    const options = { onDisconnect: 'CONTINUE' };
    const asked = here.client.subscribe<StreamEvent>(AGENT, { input: { ...input, options } });
    const told: StreamEvent[] = [];
    while (told.at(-1)?.__typename !== 'ApprovalRequested') told.push(await asked.take());
    const { runId: id, cursor: after } = told.at(-1)!;
    const RUN = `query ($id: ID!) { run(id: $id) { ... on AgentRun { approvals { id } } } }`;
    const { run } = await there.client.data<{ run: { approvals: { id: string }[] } }>(RUN, { id });
    const DECIDE = `mutation ($input: DecideApprovalInput!) { decideApproval(input: $input) { __typename } }`;
    const third = deployment.servers[2]!.client.subscribe<StreamEvent>(EVENTS, { id, after });
    await there.client.data(DECIDE, { input: { approvalId: run.approvals[0]!.id, approve: true } });
    const [rest, restThere] = await Promise.all([asked.rest(), third.rest()]);
    const types = (events: StreamEvent[]) =>
      events.map(({ __typename }) => __typename).filter((type) => type !== 'TextDelta');
    expect(types(rest)).toContain('ToolCallFinished');
    expect(types(rest)).toEqual(types(restThere));
    expect(rest.at(-1)).toMatchObject({ __typename: 'RunFinished', run: { status: 'SUCCEEDED' } });
  });

  test('the requests that a key has in a minute', async () => {
    const { secret } = await keyFor('eager');
    const answers = await Promise.all(
      Array.from({ length: requestsAMinute + 10 }, (_, index) =>
        clientOf(deployment.servers[index % 3]!.url, secret).execute('{ viewer { __typename } }'),
      ),
    );
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(10);
  });
});
