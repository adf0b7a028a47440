// npm run bench:throughput: completions a second through one server over HTTP, with and without accounting, on the
// embedded database and, where TEST_DATABASE_URL is set, on Postgres. The model answers at once.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { startDemoModel } from '../src/demo-model/demo-model-server.ts';
import { createServerDatabase } from '../test/support/server-template.ts';

const rounds = Number(process.env['ROUNDS'] ?? 6);
const roundMs = Number(process.env['ROUND_MS'] ?? 3_000);
const inFlight = Number(process.env['IN_FLIGHT'] ?? 64);
const adminKey = 'the-key-of-the-bench';

interface Contender {
  name: string;
  url: string;
  child: ChildProcess;
  rates: number[];
  /** Processor time of the server for each completion, in microseconds. */
  costs: number[];
}

async function start(name: string, environment: Record<string, string>): Promise<Contender> {
  const file = fileURLToPath(new URL('throughput-server.ts', import.meta.url));
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    ANTHROPIC_API_KEY: 'bench',
    TESSERA_ADMIN_KEY: adminKey,
    RATE_LIMIT: 'off',
    ...environment,
  };
  const execArgv = process.env['PROFILE'] ? ['--cpu-prof', '--cpu-prof-dir=/tmp/bench-prof'] : [];
  const child = fork(file, { env, execArgv });
  const [url] = (await once(child, 'message')) as [string];
  return { name, url, child, rates: [], costs: [] };
}

const query = `mutation ($text: String!) { complete(input: { prompt: { text: $text }, options: { cache: BYPASS } }) {
  __typename ... on Completion { id text stopReason cost usage { inputTokens outputTokens } } ... on Error { code } } }`;

async function processorTime(child: ChildProcess): Promise<number> {
  child.send('processor time');
  return ((await once(child, 'message')) as [number])[0];
}

/** Completions for a while, so many in flight. */
async function round(contender: Contender, milliseconds: number): Promise<void> {
  const { url, child, rates, costs } = contender;
  const pool = new Pool(url, { connections: inFlight });
  const until = performance.now() + milliseconds;
  let done = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < until) {
      const variables = { text: `[demo:reply It is well, thank you.] How are you? ${done}` };
      const { body } = await pool.request({
        path: '/graphql',
        method: 'POST',
        body: JSON.stringify({ query, variables }),
        headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
      });
      const answer = (await body.json()) as { data?: { complete: { __typename: string } } };
      if (answer.data?.complete.__typename !== 'Completion')
        throw new Error(JSON.stringify(answer));
      done += 1;
    }
  };
  const [used, started] = [await processorTime(child), performance.now()];
  await Promise.all(Array.from({ length: inFlight }, worker));
  rates.push(done / ((performance.now() - started) / 1_000));
  costs.push(((await processorTime(child)) - used) / done);
  await pool.close();
}

const median = (values: number[]): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]!;

/** Turn and turn about, so that both see the same machine. */
async function compare(database: string, places: Record<string, string>[]): Promise<void> {
  await using demo = await startDemoModel({ keepRequests: 10 });
  const common = { ANTHROPIC_BASE_URL: demo.url };
  const contenders = [
    await start('with accounting', { ...common, ...places[0] }),
    await start('without accounting', { ...common, ...places[1], WITHOUT_ACCOUNTING: '1' }),
  ];
  for (const contender of contenders) {
    await round(contender, roundMs);
    Object.assign(contender, { rates: [], costs: [] });
  }
  for (let turn = 0; turn < rounds; turn += 1) {
    const order = turn % 2 === 0 ? contenders : contenders.toReversed();
    for (const contender of order) await round(contender, roundMs);
  }
  console.log(`${database}, ${inFlight} in flight, median of ${rounds} rounds of ${roundMs} ms`);
  for (const { name, rates, costs } of contenders) {
    const all = rates.map(Math.round).join(' ');
    const cost = `${Math.round(median(costs))} µs of processor each`;
    console.log(`  ${name.padEnd(20)} ${Math.round(median(rates))}/s, ${cost}  (${all})`);
  }
  const [accounted, bare] = contenders.map(({ rates }) => median(rates));
  const [dear, cheap] = contenders.map(({ costs }) => median(costs));
  console.log(
    `  ratio                ${(accounted! / bare!).toFixed(2)}, ${(cheap! / dear!).toFixed(2)}`,
  );
  for (const { child } of contenders) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
}

const folder = await mkdtemp(path.join(tmpdir(), 'tessera-throughput-'));
await compare(
  'embedded',
  ['with', 'without'].map((name) => ({ DATA_DIR: path.join(folder, name) })),
);
await rm(folder, { recursive: true });

const serverUrl = process.env['TEST_DATABASE_URL'];
if (serverUrl) {
  const databases = [await createServerDatabase(serverUrl), await createServerDatabase(serverUrl)];
  await compare(
    'postgres',
    databases.map(({ url }) => ({ DATABASE_URL: url })),
  );
  for (const { drop } of databases) await drop();
} else console.log('TEST_DATABASE_URL is not set: nothing on a server');
