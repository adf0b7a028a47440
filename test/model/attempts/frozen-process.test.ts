import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createModels } from '../../../src/model/create-models.ts';
import { createPrices } from '../../../src/model/prices/create-prices.ts';
import { createOpenAiProvider } from '../../../src/model/providers/openai/openai-provider.ts';
import { testLog } from '../../support/test-log.ts';
import { callModels, userText } from '../support/start-test-models.ts';

/** Sends a word every 40 ms, in a thread of its own. */
const provider = `
  const { createServer } = require('node:http');
  const { parentPort } = require('node:worker_threads');
  const chunk = (delta, finish_reason = null) =>
    'data: ' + JSON.stringify({ model: 'm', choices: [{ index: 0, delta, finish_reason }] }) + '\\n\\n';
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let left = 40;
    const timer = setInterval(() => {
      left -= 1;
      if (left > 0) return response.write(chunk({ content: 'word ' }));
      clearInterval(timer);
      response.end(chunk({}, 'stop') + 'data: [DONE]\\n\\n');
    }, 40);
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

test('a process that was frozen for longer than the idle limit does not blame the provider', async () => {
  const worker = new Worker(provider, { eval: true });
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  const baseURL = `http://127.0.0.1:${port}`;
  const models = createModels({
    providers: [createOpenAiProvider({ baseURL, log: testLog })],
    prices: createPrices(),
    defaultModel: 'openai/m',
    log: testLog,
    limits: { idleTimeoutMs: 300 },
  });
  let frozen = false;
  const { error, text } = await callModels(
    models,
    {
      call: { messages: [userText('Hi')], maxTokens: 100 },
      chain: ['openai/m'],
      signal: new AbortController().signal,
      deadlineAt: new Date(Date.now() + 15_000),
    },
    ({ type }) => {
      if (type !== 'text' || frozen) return;
      frozen = true;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);
    },
  );
  await models.close();
  await worker.terminate();
  expect(error).toBeUndefined();
  expect(text).toBe('word '.repeat(39));
});
