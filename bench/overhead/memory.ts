// npm run bench:memory: what idle sockets, waiting subscriptions and live runs with stalled readers occupy, and how long
// a cold and a warm start take. Resident memory before and after, beside a bare Yoga server.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { LoadJob } from './load-job.ts';
import { printed, residentMebibytes, startProgram, stopProgram } from './processes.ts';
import { startTarget, type Target, type TargetName } from './targets.ts';
import type { Pace } from './upstream.ts';

const upstream = startProgram({ file: 'upstream.ts', core: 'load' });
const upstreamUrl = await printed(upstream, /http\S+/);
const pace = (values: Pace): Promise<Response> =>
  fetch(upstreamUrl, { method: 'PUT', body: JSON.stringify(values) });

const folder = await mkdtemp(path.join(tmpdir(), 'tessera-bench-start-'));
const held = 1_000;
const settleMs = 3_000;

/** Memory of `count` subscriptions that stay open, in KiB each. */
async function kibibytesHeld(target: Target, operation: 'idle' | 'stream'): Promise<number> {
  const before = residentMebibytes(target.pid);
  const client = startProgram({ file: 'load-client.ts', core: 'load' });
  const job: LoadJob = {
    via: 'ws',
    url: target.url,
    headers: target.headers,
    ...target.documents[operation],
    concurrency: 1,
    warmUpMs: 0,
    durationMs: 0,
    tokens: 0,
    hold: held,
  };
  client.stdin!.write(`${JSON.stringify(job)}\n`);
  await printed(client, /held/);
  await delay(settleMs);
  const after = residentMebibytes(target.pid);
  client.stdin!.end();
  await stopProgram(client);
  return ((after - before) * 1_024) / held;
}

/** Memory that 20 runs of 480 KB of text occupy while their readers take nothing, in MiB. */
async function mebibytesOfStalledReaders(target: Target): Promise<number> {
  const runs = 20;
  await pace({ tokens: 80_000, firstTokenMs: 0, intervalMs: 0 });
  const before = residentMebibytes(target.pid);
  const sockets = await Promise.all(
    Array.from({ length: runs }, async () => {
      const socket = new WebSocket(target.url.replace('http', 'ws'), 'graphql-transport-ws');
      await new Promise((resolve) => socket.once('open', resolve));
      socket.send(JSON.stringify({ type: 'connection_init', payload: target.headers }));
      await new Promise((resolve) => socket.once('message', resolve));
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: target.documents.stream }));
      socket.pause();
      return socket;
    }),
  );
  let peak = before;
  for (let step = 0; step < 30; step += 1) {
    await delay(300);
    peak = Math.max(peak, residentMebibytes(target.pid));
  }
  for (const socket of sockets) socket.terminate();
  return peak - before;
}

async function withTarget<Value>(
  name: TargetName,
  use: (target: Target) => Promise<Value>,
): Promise<Value> {
  // A cold start of the embedded database lets go of memory for minutes after it.
  const target = await startTarget(name, { upstreamUrl, dataDir: folder });
  try {
    // A first call compiles and caches what every call needs.
    await fetch(target.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...target.headers },
      body: JSON.stringify(target.documents.call),
    }).then((response) => response.text());
    await delay(settleMs);
    return await use(target);
  } finally {
    await target.stop();
  }
}

async function starts(): Promise<void> {
  for (const kind of ['cold', 'warm', 'warm', 'warm']) {
    const target = await startTarget('embedded', { upstreamUrl, dataDir: folder });
    await delay(1_000);
    const memory = residentMebibytes(target.pid);
    console.log(`${kind} start: ${Math.round(target.readyMs)} ms, ${memory.toFixed(0)} MiB`);
    await target.stop();
  }
}

const quick: Pace = { tokens: 20, firstTokenMs: 0, intervalMs: 0 };
try {
  await pace(quick);
  await starts();
  for (const name of ['yoga', 'embedded'] as const) {
    await pace(quick);
    const idle = await withTarget(name, (target) => kibibytesHeld(target, 'idle'));
    console.log(`${name}: ${idle.toFixed(1)} KiB for an idle subscription with its socket`);
    const waiting = await withTarget(name, async (target) => {
      await pace({ tokens: 1, firstTokenMs: 600_000, intervalMs: 0 });
      return kibibytesHeld(target, 'stream');
    });
    console.log(`${name}: ${waiting.toFixed(1)} KiB for a stream before its first token`);
  }
  await pace(quick);
  const stalled = await withTarget('embedded', mebibytesOfStalledReaders);
  console.log(
    `embedded: ${stalled.toFixed(0)} MiB for 20 live runs of 480 KB with stalled readers`,
  );
} finally {
  await stopProgram(upstream);
  await rm(folder, { recursive: true });
}
