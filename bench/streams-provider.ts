// The provider of bench/streams.ts: streams `[bench COUNT INTERVAL_MS]` deltas, each of which is the time it was sent.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const frame = (event: { type: string }): string =>
  `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

const usage = { input_tokens: 10, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
const opening =
  frame({
    type: 'message_start',
    message: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-sonnet-5-5',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...usage, output_tokens: 1 },
    },
  } as never) +
  frame({
    type: 'content_block_start',
    index: 0,
    content_block: { type: 'text', text: '' },
  } as never);

const closing = (count: number): string =>
  frame({ type: 'content_block_stop', index: 0 } as never) +
  frame({
    type: 'message_delta',
    delta: { stop_reason: 'end_turn', stop_sequence: null },
    usage: { ...usage, output_tokens: count },
  } as never) +
  frame({ type: 'message_stop' });

const now = (): number => performance.timeOrigin + performance.now();

const delta = (): string =>
  frame({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text: `${now().toFixed(2)} ` },
  } as never);

async function stream(response: ServerResponse, count: number, intervalMs: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(opening);
  for (let index = 0; index < count; index += 1) {
    if (response.destroyed) return;
    if (!response.write(delta())) await new Promise((resolve) => response.once('drain', resolve));
    if (intervalMs > 0) await delay(intervalMs);
    else if (index % 20 === 19) await new Promise(setImmediate);
  }
  response.end(closing(count));
}

const server = createServer(async (request, response) => {
  let body = '';
  for await (const bytes of request) body += bytes;
  const [, count = '1', intervalMs = '0'] = /\[bench (\d+) (\d+)\]/.exec(body) ?? [];
  await stream(response, Number(count), Number(intervalMs));
});
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`),
);
