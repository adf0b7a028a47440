import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createModels, type ModelLimits } from '../../../src/model/create-models.ts';
import { createPrices } from '../../../src/model/prices/create-prices.ts';
import { createClaudeProvider } from '../../../src/model/providers/claude/claude-provider.ts';
import { testLog } from '../../support/test-log.ts';
import { callModels, domainError, haiku, userText } from '../support/start-test-models.ts';

const usage = {
  input_tokens: 9,
  output_tokens: 1,
  cache_creation: null,
  cache_creation_input_tokens: 30,
  cache_read_input_tokens: null,
};
const frames = {
  start: { type: 'message_start', message: { id: 'm', model: haiku, content: [], usage } },
  block: { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  delta: { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi.' } },
  blockStop: { type: 'content_block_stop', index: 0 },
  end: {
    type: 'message_delta',
    delta: { stop_reason: 'end_turn', stop_details: null },
    usage: { ...usage, input_tokens: null, output_tokens: 4 },
  },
  stop: { type: 'message_stop' },
  ping: { type: 'ping' },
};

function send(response: ServerResponse, ...names: (keyof typeof frames)[]): void {
  for (const name of names) {
    response.write(`event: ${frames[name].type}\ndata: ${JSON.stringify(frames[name])}\n\n`);
  }
}

/** One call to a server that answers as no stand-in would. */
async function askOdd(answer: (response: ServerResponse) => void, limits: ModelLimits = {}) {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const models = createModels({
    providers: [createClaudeProvider({ apiKey: 'test', baseURL, log: testLog })],
    prices: createPrices(),
    defaultModel: haiku,
    log: testLog,
    limits: { retryBaseMs: 1, ...limits },
  });
  try {
    const { signal } = new AbortController();
    const deadlineAt = new Date(Date.now() + 10_000);
    const call = { messages: [userText('Hi')], maxTokens: 99 };
    const read = await callModels(models, { call, chain: [haiku], signal, deadlineAt });
    expect(models.openCalls()).toBe(0);
    return { ...read, requests };
  } finally {
    await models.close();
    server.closeAllConnections();
    server.close();
  }
}

const events = { 'content-type': 'text/event-stream' };

describe('an odd stream', () => {
  it('that stays open behind its end is a whole answer', async () => {
    const { finish, error, attempts } = await askOdd((response) => {
      response.writeHead(200, events);
      send(response, 'start', 'block', 'delta', 'blockStop', 'end', 'stop');
    });
    expect(error).toBeUndefined();
    expect(finish?.message.content).toEqual([{ type: 'text', text: 'Hi.' }]);
    expect(attempts).toMatchObject([{ status: 'succeeded', estimated: false }]);
  });

  it('whose closing numbers are null keeps its opening ones', async () => {
    const { attempts } = await askOdd((response) => {
      response.writeHead(200, events);
      send(response, 'start', 'end', 'stop');
      response.end();
    });
    expect(attempts[0]?.usage).toEqual({
      inputTokens: 9,
      cacheReadTokens: 0,
      cacheWrite5mTokens: 30,
      cacheWrite1hTokens: 0,
      outputTokens: 4,
    });
  });

  it('that only pings is alive', async () => {
    const pinging = (response: ServerResponse) => {
      response.writeHead(200, events);
      send(response, 'start', 'block', 'delta');
      let left = 12;
      const timer = setInterval(() => {
        left -= 1;
        send(response, 'ping');
        if (left > 0) return;
        clearInterval(timer);
        send(response, 'blockStop', 'end', 'stop');
        response.end();
      }, 50);
    };
    const { error, finish } = await askOdd(pinging, { idleTimeoutMs: 300 });
    expect(error).toBeUndefined();
    expect(finish?.stopReason).toBe('end_turn');
  });

  it('that is cut behind its closing numbers has failed, and its bill is known', async () => {
    const { error, attempts } = await askOdd((response) => {
      response.writeHead(200, events);
      send(response, 'start', 'block', 'delta', 'blockStop', 'end');
      response.end();
    });
    expect(domainError(error).code).toBe('MODEL_UNAVAILABLE');
    expect(attempts).toMatchObject([{ estimated: false, usage: { outputTokens: 4 } }]);
  });

  it("that is a proxy's page is told by its status alone, and tried again", async () => {
    const { error, requests } = await askOdd((response) => {
      response.writeHead(502, { 'content-type': 'text/html' });
      response.end('<html>secret upstream 10.0.0.7</html>');
    });
    expect(domainError(error)).toMatchObject({ code: 'MODEL_UNAVAILABLE', retryable: true });
    expect(domainError(error).message).not.toContain('secret');
    expect(requests).toBe(3);
  });

  it('with an HTTP date in retry-after waits until then', async () => {
    const { error } = await askOdd((response) => {
      const at = new Date(Date.now() + 3_600_000).toUTCString();
      response.writeHead(429, { 'retry-after': at });
      response.end('');
    });
    const { code, details } = domainError(error);
    expect(code).toBe('MODEL_RATE_LIMITED');
    expect((details as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(3_500_000);
  });
});
