// npm run bench:streams: what a server does to a stream of tokens, on the Postgres of TEST_DATABASE_URL, or embedded
// without one (then there is no second server).
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { openDatabase } from '../src/data/open-database.ts';
import {
  type ServerProcess,
  startServerProcess,
} from '../test/runs/servers/support/server-process.ts';
import { createServerDatabase } from '../test/support/server-template.ts';
import { testLog } from '../test/support/test-log.ts';
import { adminKey, openSocket } from './open-socket.ts';
import { processorSeconds, residentMegabytes } from './process-usage.ts';
import { startProvider } from './start-provider.ts';
import { eventsWritten } from './streams-writes.ts';

const streamsPerSocket = 50;
const fields = '__typename runId ... on TextDelta { text }';
const COMPLETION = `subscription ($input: CompleteInput!) { completion(input: $input) { ${fields} } }`;
const EVENTS = `subscription ($id: ID!) { runEvents(runId: $id) { ${fields} } }`;

interface Told {
  __typename: string;
  runId: string;
  text?: string;
}

const now = (): number => performance.timeOrigin + performance.now();

interface Subscription {
  query: string;
  variables(index: number): object;
  onEvent(event: Told, index: number): void;
}

/** Opens so many subscriptions, 50 to a socket; `ended` resolves when all are over. */
async function subscribe(url: string, count: number, subscription: Subscription) {
  let open = count;
  const over = Promise.withResolvers<void>();
  const sockets: WebSocket[] = [];
  for (let first = 0; first < count; first += streamsPerSocket) {
    const socket = await openSocket(url);
    sockets.push(socket);
    socket.on('message', (data) => {
      const { id, type, payload } = JSON.parse(String(data));
      if (type === 'next') {
        if (payload.errors) over.reject(new Error(JSON.stringify(payload.errors)));
        else subscription.onEvent(Object.values<Told>(payload.data)[0]!, Number(id));
      } else if (type === 'complete' && --open === 0) over.resolve();
      else if (type === 'error') over.reject(new Error(JSON.stringify(payload)));
    });
  }
  for (let index = 0; index < count; index += 1) {
    const payload = { query: subscription.query, variables: subscription.variables(index) };
    sockets[Math.floor(index / streamsPerSocket)]!.send(
      JSON.stringify({ id: String(index), type: 'subscribe', payload }),
    );
  }
  const close = () => {
    for (const socket of sockets) socket.terminate();
  };
  return { ended: over.promise, close };
}

let round = 0;
const completionOf = (tokens: number, intervalMs: number) => {
  round += 1;
  const options = { cache: 'BYPASS', onDisconnect: 'CONTINUE' };
  return (index: number) => ({
    input: { prompt: { text: `[bench ${tokens} ${intervalMs}] ${round} ${index}` }, options },
  });
};

const quantile = (sorted: readonly number[], at: number): string =>
  `${(sorted[Math.floor(sorted.length * at)] ?? Number.NaN).toFixed(1)} ms`;

const spread = (values: number[]): string => {
  values.sort((a, b) => a - b);
  return `p50 ${quantile(values, 0.5)}, p90 ${quantile(values, 0.9)}, p99 ${quantile(values, 0.99)}`;
};

/** The first time in a frame's text is that of the oldest delta in it. */
const ageOf = ({ text = '' }: Told): number => now() - Number(text.split(' ', 1)[0]);

async function latency(server: ServerProcess, streams: number, intervalMs: number) {
  const ages: number[] = [];
  const tokens = Math.ceil(4_000 / intervalMs);
  const { ended, close } = await subscribe(server.url, streams, {
    query: COMPLETION,
    variables: completionOf(tokens, intervalMs),
    onEvent: (event) => event.text && ages.push(ageOf(event)),
  });
  await ended;
  close();
  console.log(`  ${streams} streams, a token every ${intervalMs} ms: ${spread(ages)}`);
}

async function throughput(server: ServerProcess, streams: number, tokens: number) {
  let frames = 0;
  const start = performance.now();
  const before = await processorSeconds(server);
  const { ended, close } = await subscribe(server.url, streams, {
    query: COMPLETION,
    variables: completionOf(tokens, 0),
    onEvent: ({ text }) => {
      if (text) frames += 1;
    },
  });
  await ended;
  close();
  const seconds = (performance.now() - start) / 1_000;
  const processor = (await processorSeconds(server)) - before;
  const all = streams * tokens;
  console.log(
    `  ${streams} streams: ${Math.round(all / seconds)} tokens/s, ${(all / frames).toFixed(1)} a frame,` +
      ` ${Math.round((processor * 1e6) / all)} µs of processor a token`,
  );
}

async function idleMemory(server: ServerProcess, executing: ServerProcess, name: string) {
  const variables = completionOf(10, 60_000);
  const runId = Promise.withResolvers<string>();
  const run = await subscribe(executing.url, 1, {
    query: COMPLETION,
    variables,
    onEvent: (event) => runId.resolve(event.runId),
  });
  const id = await runId.promise;
  const before = [await residentMegabytes(server), await processorSeconds(server)] as const;
  const count = 2_000;
  let told = 0;
  const all = Promise.withResolvers<void>();
  const idle = await subscribe(server.url, count, {
    query: EVENTS,
    variables: () => ({ id }),
    onEvent: () => {
      told += 1;
      if (told === count) all.resolve();
    },
  });
  await all.promise;
  await delay(5_000);
  const between = await processorSeconds(server);
  await delay(5_000);
  const used = ((await processorSeconds(server)) - between) / 5;
  const each = ((await residentMegabytes(server)) - before[0]) * (1_024 / count);
  console.log(
    `  ${name}: ${each.toFixed(0)} KiB each of ${count}, ${(used * 100).toFixed(0)} % of a processor`,
  );
  idle.close();
  run.close();
}

async function remoteTail(here: ServerProcess, there: ServerProcess) {
  for (const streams of [1, 50]) {
    const [own, remote]: [number[], number[]] = [[], []];
    const ids: string[] = [];
    const begun = Promise.withResolvers<void>();
    const first = await subscribe(here.url, streams, {
      query: COMPLETION,
      variables: completionOf(200, 20),
      onEvent: (event, index) => {
        if (event.text) own.push(ageOf(event));
        ids[index] ??= event.runId;
        if (Object.keys(ids).length === streams) begun.resolve();
      },
    });
    await begun.promise;
    const second = await subscribe(there.url, streams, {
      query: EVENTS,
      variables: (index) => ({ id: ids[index] }),
      onEvent: (event) => event.text && remote.push(ageOf(event)),
    });
    await Promise.all([first.ended, second.ended]);
    console.log(`  ${streams} here: ${spread(own)}; there: ${spread(remote)}`);
    first.close();
    second.close();
  }
}

const serverUrl = process.env['TEST_DATABASE_URL'];
const database = serverUrl ? await createServerDatabase(serverUrl) : null;
const folder = await mkdtemp(path.join(tmpdir(), 'tessera-bench-'));
const provider = await startProvider();
const start = () =>
  startServerProcess({
    ...(database ? { DATABASE_URL: database.url } : { DATA_DIR: path.join(folder, 'data') }),
    ANTHROPIC_API_KEY: 'bench',
    ANTHROPIC_BASE_URL: provider.url,
    TESSERA_ADMIN_KEY: adminKey,
    RATE_LIMIT: 'off',
    MODEL_IDLE_TIMEOUT_MS: '120000',
    LOG_LEVEL: 'error',
  });
const here = await start();
const there = database ? await start() : null;
try {
  console.log(database ? 'PostgreSQL' : 'embedded');
  await throughput(here, 50, 200);
  console.log('age of the oldest token in a frame, from the provider’s write to the client’s read');
  for (const [streams, intervalMs] of [
    [1, 20],
    [50, 20],
    [200, 100],
    [1_000, 500],
  ] as const) {
    await latency(here, streams, intervalMs);
  }
  console.log('as fast as it goes');
  for (const [streams, tokens] of [
    [1, 20_000],
    [50, 1_000],
    [200, 250],
    [1_000, 50],
  ] as const) {
    await throughput(here, streams, tokens);
  }
  if (there) {
    console.log('a reader on the executing server, and one on another');
    await remoteTail(here, there);
  }
  const own = await openDatabase({
    ...(database ? { url: database.url } : { dataDir: 'memory://' }),
    log: testLog,
  });
  console.log(`the writer: ${Math.round(await eventsWritten(own))} events/s`);
  await own.close();
  console.log('idle subscriptions');
  await idleMemory(here, here, 'here');
  if (there) await idleMemory(there, here, 'on another server');
} finally {
  for (const server of [here, there]) await server?.[Symbol.asyncDispose]();
  provider.stop();
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
}
