import { describe, expect, test, vi } from 'vitest';
import { DomainError } from '../../../src/kernel/errors.ts';
import type { RenderedPrompt } from '../../../src/prompts/prompts.ts';
import { startEndpoint } from './fixtures/endpoint.ts';
import { runId } from './fixtures/fake-runs.ts';

const eventually = (assertion: () => void) => vi.waitFor(assertion, { timeout: 10_000 });

const textOf = (result: object): string =>
  (result as { content: { text: string }[] }).content.map(({ text }) => text).join('\n');

describe('tools', () => {
  test('are listed with their schemas, the agents among them', async () => {
    await using endpoint = await startEndpoint();
    const client = await endpoint.connect();
    expect(client.getServerVersion()).toMatchObject({ name: 'tessera', version: '9.9.9' });
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name).sort()).toEqual([
      'agent_guide',
      'agent_judge',
      'dawdle',
      'fail',
      'lie',
      'look_up',
      'send_mail',
      'transfer',
      'wait',
    ]);
    const named = (name: string) => tools.find((tool) => tool.name === name)!;
    expect(named('look_up')).toMatchObject({
      description: 'Looks a city up.',
      inputSchema: { properties: { city: { minLength: 2, description: 'Its name.' } } },
      outputSchema: { properties: { founded: { type: 'string', format: 'date-time' } } },
      annotations: { idempotentHint: true },
    });
    expect(named('wait')).not.toHaveProperty('outputSchema');
    expect(named('send_mail').description).toMatch(/^Sends a mail\. .*needs a person's approval/);
    expect(named('agent_guide').inputSchema.required).toEqual(['message']);
    expect(named('agent_judge').outputSchema?.properties).toEqual({ stars: { type: 'number' } });
  });

  test('are called for the user of the key, checked both ways, and logged', async () => {
    await using endpoint = await startEndpoint();
    const client = await endpoint.connect('bob-key');
    const result = await client.callTool({ name: 'look_up', arguments: { city: 'Ur' } });
    expect(result['structuredContent']).toEqual({
      city: 'Ur',
      founded: '1970-01-01T00:00:00.000Z',
    });
    expect(textOf(result)).toBe(
      '{"city":"Ur","founded":"1970-01-01T00:00:00.000Z"}\n[Atlas, atlas.md]\nA passage.',
    );
    expect(endpoint.journal).toEqual(['look_up Ur for bob']);
    expect(endpoint.lines.filter(({ message }) => message === 'tool call')).toMatchObject([
      { fields: { tool: 'look_up', userId: 'bob', isError: false, over: 'mcp' } },
    ]);
  });

  test.each([
    ['tools/call', { name: 'fail', arguments: null }, { result: { isError: true } }],
    ['tools/call', { name: 'look_up', arguments: null }, { result: { isError: true } }],
    ['tools/call', { name: 'look_up', arguments: ['Ur'] }, { error: { code: -32_602 } }],
    ['tools/call', { arguments: {} }, { error: { code: -32_602 } }],
    ['prompts/get', { name: 'no_such', arguments: null }, { error: { code: -32_602 } }],
  ])('%s with odd parameters is answered in a sentence: %j', async (method, params, expected) => {
    await using endpoint = await startEndpoint();
    const response = await fetch(endpoint.url, {
      method: 'POST',
      headers: {
        authorization: 'Bearer bob-key',
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 3, method, params }),
    });
    const text = await response.text();
    const answer = JSON.parse(text.slice(text.indexOf('{'))) as object;
    expect(answer).toMatchObject({ id: 3, ...expected });
    expect(text).not.toContain('invalid_type');
  });

  test.each([
    ['look_up', { city: 'U' }, /does not take this input\. city: Too small/],
    ['fail', {}, 'The tool "fail" failed: the disk is full'],
    ['lie', {}, 'The tool "lie" failed: it gave no valid result.'],
    ['dawdle', {}, 'The tool "dawdle" took longer than 20 ms.'],
    ['send_mail', {}, /^This call was not made\. "send_mail" needs a person's approval/],
    ['transfer', { amount: 101 }, /^This call was not made\. "transfer" needs a person's approval/],
  ])('%s %j: the failure tells the model what to mend', async (name, input, message) => {
    await using endpoint = await startEndpoint();
    const client = await endpoint.connect();
    const result = await client.callTool({ name, arguments: input });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(message);
    expect(endpoint.journal).toEqual([]);
  });

  test('a tool whose approval depends on the input runs where none is needed', async () => {
    await using endpoint = await startEndpoint();
    const client = await endpoint.connect();
    const result = await client.callTool({ name: 'transfer', arguments: { amount: 5 } });
    expect(textOf(result)).toBe('transferred 5');
  });

  test('an unknown tool is an error of the protocol', async () => {
    await using endpoint = await startEndpoint();
    const client = await endpoint.connect();
    await expect(client.callTool({ name: 'fly' })).rejects.toMatchObject({
      code: -32_602,
      message: 'MCP error -32602: There is no tool "fly".',
    });
  });
});

describe('a call ends early', () => {
  test('by a cancel', async () => {
    await using endpoint = await startEndpoint();
    const client = await endpoint.connect();
    const stop = new AbortController();
    const call = client.callTool({ name: 'wait' }, undefined, { signal: stop.signal });
    await eventually(() => expect(endpoint.journal).toEqual(['waiting']));
    stop.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    await eventually(() => expect(endpoint.journal).toEqual(['waiting', 'aborted']));
  });

  test('by a lost connection', async () => {
    await using endpoint = await startEndpoint();
    const client = await endpoint.connect();
    const call = client.callTool({ name: 'wait' }).catch((error: Error) => error.message);
    await eventually(() => expect(endpoint.journal).toEqual(['waiting']));
    await client.close();
    expect(await call).toMatch('Connection closed');
    await eventually(() => expect(endpoint.journal).toEqual(['waiting', 'aborted']));
  });

  test('never by the cancel of somebody else', async () => {
    await using endpoint = await startEndpoint();
    const ada = await endpoint.connect();
    const call = ada.callTool({ name: 'wait' }).catch(() => undefined);
    await eventually(() => expect(endpoint.journal).toEqual(['waiting']));
    const sessionId = (ada.transport as { sessionId?: string }).sessionId!;
    expect(sessionId).toBeTypeOf('string');
    const cancel = (key: string, requestId: number) =>
      post(endpoint.url, {
        headers: { authorization: `Bearer ${key}`, 'mcp-session-id': sessionId },
        body: { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } },
      });
    for (const requestId of [0, 1, 2])
      expect((await cancel('bob-key', requestId)).status).toBe(202);
    expect(endpoint.journal).toEqual(['waiting']);
    for (const requestId of [0, 1, 2]) await cancel('ada-key', requestId);
    await eventually(() => expect(endpoint.journal).toEqual(['waiting', 'aborted']));
    await ada.close();
    await call;
  });
});

describe('agents', () => {
  test('run as the caller, and answer with text and the run', async () => {
    await using endpoint = await startEndpoint();
    endpoint.runs.script = { end: { text: 'See the ziggurat.' } };
    const client = await endpoint.connect();
    const result = await client.callTool({ name: 'agent_guide', arguments: { message: 'Ur?' } });
    expect(textOf(result)).toBe('See the ziggurat.');
    expect(result._meta).toEqual({ 'tessera/runId': runId });
    expect(endpoint.runs.asked).toMatchObject([
      {
        request: { agent: 'guide', message: 'Ur?', options: { onDisconnect: 'CANCEL' } },
        caller: { userId: 'ada', apiKeyId: 'ada-key', requestId: expect.any(String) },
      },
    ]);
  });

  test('answer with their typed output', async () => {
    await using endpoint = await startEndpoint();
    endpoint.runs.script = { end: { text: '…', output: { stars: 5 } } };
    const client = await endpoint.connect();
    await client.listTools();
    const result = await client.callTool({ name: 'agent_judge', arguments: { message: 'Ur?' } });
    expect(result['structuredContent']).toEqual({ stars: 5 });
  });

  test.each([
    [{ status: 'FAILED', error: { message: 'No budget is left.' } }, 'No budget is left.'],
    [{ status: 'CANCELLED' }, 'The agent failed: CANCELLED'],
    [{ status: 'WAITING_FOR_APPROVAL' }, `its answer is then in the run ${runId}`],
    [new DomainError('RUN_INTERRUPTED', 'Shutting down: try again.'), 'Shutting down: try again.'],
  ])('that end otherwise say why: %j', async (end, message) => {
    await using endpoint = await startEndpoint();
    endpoint.runs.script = { end: end as DomainError };
    const client = await endpoint.connect();
    const result = await client.callTool({ name: 'agent_guide', arguments: { message: 'Ur?' } });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(message);
  });

  test('tell how far they are to clients that ask', async () => {
    await using endpoint = await startEndpoint();
    endpoint.runs.script = {
      end: { text: 'done' },
      events: [
        { type: 'TextDelta', text: 'hm' },
        { type: 'ToolCallStarted', callId: '1', tool: 'look_up', input: {} },
        { type: 'RunFinished' },
      ],
    };
    const client = await endpoint.connect();
    const told: (string | undefined)[] = [];
    const onprogress = ({ message }: { message?: string | undefined }) => void told.push(message);
    const request = { name: 'agent_guide', arguments: { message: 'Ur?' } };
    const result = await client.callTool(request, undefined, { onprogress });
    expect(textOf(result)).toBe('done');
    expect(told).toEqual(['calls look_up']);
  });

  test('are left when the client cancels', async () => {
    await using endpoint = await startEndpoint();
    endpoint.runs.script = { end: { status: 'CANCELLED' }, endless: true };
    const client = await endpoint.connect();
    const stop = new AbortController();
    const request = { name: 'agent_guide', arguments: { message: 'Ur?' } };
    const call = client.callTool(request, undefined, { signal: stop.signal });
    await eventually(() => expect(endpoint.runs.asked).toHaveLength(1));
    stop.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    await eventually(() => expect(endpoint.runs.left).toEqual(['unsubscribed']));
  });
});

describe('prompts', () => {
  test('are listed with their variables as arguments', async () => {
    await using endpoint = await startEndpoint();
    const client = await endpoint.connect();
    expect((await client.listPrompts()).prompts).toEqual([
      {
        name: 'describe_city',
        description: 'Describes a city.',
        arguments: [
          { name: 'city', description: 'Its name.', required: true },
          { name: 'words', required: false },
          { name: 'topics', required: false },
        ],
      },
    ]);
  });

  test('are rendered for the caller, with arguments that are no text read as JSON', async () => {
    await using endpoint = await startEndpoint();
    const message = (role: 'user' | 'assistant', text: string) => ({
      role,
      content: [{ type: 'text' as const, text }],
    });
    endpoint.render = () =>
      ({
        system: 'Be brief.',
        messages: [message('user', 'Uruk'), message('assistant', 'Big.'), message('user', '7')],
      }) as RenderedPrompt;
    const client = await endpoint.connect();
    const given = { city: '7', words: '20', topics: '["walls"]' };
    const { messages } = await client.getPrompt({ name: 'describe_city', arguments: given });
    expect(endpoint.rendered).toEqual([
      {
        prompt: { name: 'describe_city', variables: { city: '7', words: 20, topics: ['walls'] } },
        subject: 'ada',
      },
    ]);
    expect(messages.map(({ role, content }) => [role, (content as { text: string }).text])).toEqual(
      [
        ['user', 'Be brief.'],
        ['user', 'Uruk'],
        ['assistant', 'Big.'],
        ['user', '7'],
      ],
    );
  });

  test('that cannot be rendered say why, and faults of this server do not', async () => {
    await using endpoint = await startEndpoint();
    const client = await endpoint.connect();
    endpoint.render = () => {
      const issues = [{ path: ['city'], message: 'is missing' }];
      throw new DomainError('PROMPT_VARIABLES_INVALID', 'Wrong variables.', {
        details: { issues },
      });
    };
    const get = (name: string) => client.getPrompt({ name });
    await expect(get('describe_city')).rejects.toThrow('Wrong variables. city: is missing');
    await expect(get('nothing')).rejects.toThrow('There is no prompt "nothing".');
    endpoint.render = () => {
      throw new Error('SELECT secret FROM "Prompt"');
    };
    await expect(get('describe_city')).rejects.toThrow(/^MCP error -32603: Something went wrong/);
    expect(endpoint.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });
});

async function post(
  url: string,
  { headers = {}, body = {} }: { headers?: object; body?: unknown },
) {
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: 'Bearer ada-key',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

describe('at the door', () => {
  test('without a valid key: 401 and how to sign in', async () => {
    await using endpoint = await startEndpoint();
    await expect(endpoint.connect('wrong')).rejects.toMatchObject({ code: 401 });
    const headers = { authorization: 'Bearer wrong', cookie: 'tessera_session=ada-key' };
    const response = await post(endpoint.url, { headers, body: ping });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="tessera"');
    expect(await response.json()).toMatchObject({
      error: { data: { code: 'UNAUTHENTICATED', requestId: expect.any(String) } },
    });
  });

  test('the rate limit of the key holds', async () => {
    await using endpoint = await startEndpoint({ requestsPerMinute: 2 });
    const statuses = [];
    for (const key of ['ada-key', 'ada-key', 'ada-key', 'bob-key']) {
      const headers = { authorization: `Bearer ${key}` };
      const response = await post(endpoint.url, { headers, body: ping });
      statuses.push(response.status);
      if (response.status === 429) expect(Number(response.headers.get('retry-after'))).above(0);
      await response.text();
    }
    expect(statuses).toEqual([200, 200, 429, 200]);
  });

  test('a server that shuts down takes nothing more', async () => {
    await using endpoint = await startEndpoint();
    endpoint.admission.close();
    expect((await post(endpoint.url, { body: ping })).status).toBe(503);
  });

  test.each([
    ['a page of another origin', { headers: { origin: 'https://evil.example' } }, 403],
    ['another type', { headers: { 'content-type': 'text/plain' } }, 415],
    ['too much', { body: { ...ping, params: { text: 'x'.repeat(20_000) } } }, 413],
    ['too deep', { body: `${'['.repeat(100)}${']'.repeat(100)}` }, 400],
    ['a batch', { body: [ping, { ...ping, id: 2 }] }, 400],
    ['no JSON', { body: '{' }, 400],
    ['no JSON-RPC', { body: { hello: 'world' } }, 400],
  ])('%s is refused', async (_, request, status) => {
    await using endpoint = await startEndpoint();
    const response = await post(endpoint.url, { body: ping, ...request });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ jsonrpc: '2.0', error: {} });
  });

  test('there is nothing to GET', async () => {
    await using endpoint = await startEndpoint();
    const response = await fetch(endpoint.url, { headers: { authorization: 'Bearer ada-key' } });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
  });
});
