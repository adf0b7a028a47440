import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { adminKey } from './support/admin-key.ts';
import { asking, COMPLETION, EVENTS, type StreamEvent, textOf } from './support/run-operations.ts';
import { type SingleServer, startSingleServer } from './support/single-server.ts';

/** Forty times the text: a stalled reader's share would be 10 MB, more than the kernel takes for it. */
const aliases = Array.from({ length: 40 }, (_, index) => `t${index}: text`).join(' ');
const WIDE = `subscription Wide($id: ID!) { runEvents(runId: $id) { __typename cursor ... on TextDelta { ${aliases} } } }`;

const readers = 20;

const memoryOf = async ({ pid }: SingleServer): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
};

/** Subscribes over a WebSocket and reads nothing more until `read`, which resolves with the messages that end it. */
async function stalledWebSocket(url: string, id: string) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  socket.on('error', () => undefined);
  const messages: string[] = [];
  const ended = new Promise<string>((resolve) =>
    socket.on('message', (data) => {
      messages.push(String(data).slice(0, 200));
      if (/^\{"id":"1","type":"(error|complete)"/.test(messages.at(-1)!)) resolve(String(data));
    }),
  );
  await new Promise((resolve) => socket.once('open', resolve));
  const payload = { authorization: `Bearer ${adminKey}` };
  socket.send(JSON.stringify({ type: 'connection_init', payload }));
  await expect.poll(() => messages.length).toBe(1);
  socket.send(
    JSON.stringify({ id: '1', type: 'subscribe', payload: { query: WIDE, variables: { id } } }),
  );
  socket.pause();
  return {
    read() {
      socket.resume();
      return ended.finally(() => socket.terminate());
    },
  };
}

/** The same over server-sent events. */
function stalledEvents(url: string, id: string) {
  const { hostname, port } = new URL(url);
  const body = JSON.stringify({ query: WIDE, variables: { id } });
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.pause();
  socket.write(
    `POST /graphql HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json\r\n` +
      `accept: text/event-stream\r\nauthorization: Bearer ${adminKey}\r\n` +
      `content-length: ${body.length}\r\n\r\n${body}`,
  );
  let tail = '';
  const ended = new Promise<string>((resolve) => {
    socket.on('data', (bytes) => {
      tail = (tail + bytes.toString('latin1')).slice(-4_000);
      if (tail.includes('event: complete')) resolve(tail);
    });
    socket.once('close', () => resolve(tail));
  });
  return {
    read() {
      socket.resume();
      return ended.finally(() => socket.destroy());
    },
  };
}

test('stalled readers end with SLOW_CONSUMER and a cursor, in little memory, and others feel nothing', async () => {
  // A small heap: else garbage that nobody needs to collect yet would pass for memory that is held.
  await using server = await startSingleServer({
    NODE_OPTIONS: '--max-old-space-size=160',
    SLOW_CONSUMER_MS: '4000',
  });
  const words = 40_000;
  const call = asking(`[demo:words ${words}] long`, { onDisconnect: 'CONTINUE' });
  const input = { ...call.input, maxTokens: 200_000 };
  const whole = await server.client.subscribe<StreamEvent>(COMPLETION, { input }).rest();
  const { runId: id } = whole[0]!;
  const text = textOf(whole);
  expect(text.length).toBeGreaterThan(200_000);

  const before = await memoryOf(server);
  const stalled = await Promise.all(
    Array.from({ length: readers }, async (_, index) =>
      index % 2 ? stalledEvents(server.url, id) : stalledWebSocket(server.url, id),
    ),
  );
  const METRIC = /tessera_slow_consumers_total\S* (\d+)/g;
  const ended = async () => {
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    return [...metrics.matchAll(METRIC)].reduce((sum, [, count]) => sum + Number(count), 0);
  };
  let most = before;
  const deadline = performance.now() + 30_000;
  while ((await ended()) < readers && performance.now() < deadline) {
    const others = await server.client.subscribe<StreamEvent>(EVENTS, { id }).rest();
    expect(textOf(others)).toBe(text);
    most = Math.max(most, await memoryOf(server));
  }
  expect(await ended()).toBe(readers);
  // All of it at once would be 200 MB, and as much again on the way out.
  expect(most - before).toBeLessThan(170);

  for (const last of await Promise.all(stalled.map((reader) => reader.read()))) {
    expect(last).toContain('SLOW_CONSUMER');
    const after = /"cursor":"([^"]+)","code":"SLOW_CONSUMER"/.exec(last)?.[1];
    const rest = await server.client.subscribe<StreamEvent>(EVENTS, { id, after }).rest();
    expect(text.endsWith(textOf(rest))).toBe(true);
    expect(textOf(rest).length).toBeLessThan(text.length);
    expect(rest.at(-1)?.__typename).toBe('RunFinished');
  }
}, 60_000);
