import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { calls, DECIDE } from '../../runs/agent/support/agent-operations.ts';
import { type AgentServer, startAgentServer } from '../../runs/agent/support/start-agent-server.ts';

let server: AgentServer;
let ada: { key: string; client: Client };
beforeAll(async () => {
  server = await startAgentServer();
  const key = await server.keyFor('ada');
  const client = new Client({ name: 'test', version: '1.0.0' });
  const requestInit = { headers: { authorization: `Bearer ${key}` } };
  const url = new URL(`${server.url}/mcp`);
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit }) as Transport);
  ada = { key, client };
});
afterAll(async () => {
  await ada.client.close();
  await server[Symbol.asyncDispose]();
});

test('a key of a user finds tools, agents and prompts there, and nothing that reads or decides', async () => {
  const { registry } = server.running.services;
  const { tools } = await ada.client.listTools();
  expect(tools.map(({ name }) => name).sort()).toEqual(
    [
      ...registry.tools.keys(),
      ...[...registry.agents.keys()].map((name) => `agent_${name}`),
    ].sort(),
  );
  expect(ada.client.getServerCapabilities()).toEqual({ tools: {}, prompts: {} });
  for (const name of ['approvals', 'decideApproval', 'run', 'createApiKey']) {
    await expect(ada.client.callTool({ name })).rejects.toMatchObject({ code: -32_602 });
  }
});

test('a run that was started there is its user’s: others neither see it nor decide for it', async () => {
  const message = `${calls(['publish', { title: 'Mine' }])} [demo:reply ok]`;
  const result = await ada.client.callTool({ name: 'agent_clerk', arguments: { message } });
  const runId = Buffer.from(`Run:${result._meta!['tessera/runId']}`).toString('base64');
  const RUN = `query ($id: ID!) { run(id: $id) { status userId ... on AgentRun { approvals { id } } } }`;
  interface Seen {
    run: { status: string; userId: string; approvals: { id: string }[] } | null;
  }
  const read = async (as: string) => (await server.data<Seen>(RUN, { id: runId }, { as })).run;
  const own = await read(ada.key);
  expect(own).toMatchObject({ status: 'WAITING_FOR_APPROVAL', userId: 'ada' });
  const bob = await server.keyFor('bob');
  expect(await read(bob)).toBeNull();
  const input = { approvalId: own!.approvals[0]!.id, approve: true };
  const decided = await server.data<{ decideApproval: object }>(DECIDE, { input }, { as: bob });
  expect(decided.decideApproval).toMatchObject({ __typename: 'NotFoundError' });
  expect((await read(ada.key))!.status).toBe('WAITING_FOR_APPROVAL');
});
