// npm run bench: what a call and a token cost beside a bare Yoga server, as ratios within one run. The targets take
// turns within every round; the server has a core of its own where the machine allows.
//   -- --suites calls-64,paced-40-ws   --rounds 5   --seconds 4   --json results.json
//   --profile FOLDER    writes a CPU profile of every thread for each suite, and names the ten heaviest functions
//   TEST_DATABASE_URL   measures on that Postgres server as well
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createServerDatabase } from '../../test/support/server-template.ts';
import { heaviestFunctions } from './heaviest-functions.ts';
import { measure } from './measure.ts';
import { isPinned, printed, startProgram, stopProgram } from './processes.ts';
import { type Line, linesOf, type Round, table } from './report.ts';
import { type Suite, suites } from './suites.ts';
import { startTarget, type Target, type TargetName } from './targets.ts';

const { values: asked } = parseArgs({
  options: {
    suites: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    json: { type: 'string' },
    profile: { type: 'string' },
  },
});
const durationMs = Number(asked.seconds) * 1_000;
const chosen = suites.filter(({ name }) => asked.suites?.split(',').includes(name) ?? true);
const serverUrl = process.env['TEST_DATABASE_URL'];

const upstream = startProgram({ file: 'upstream.ts', core: 'load' });
const upstreamUrl = await printed(upstream, /http\S+/);
const database = serverUrl ? await createServerDatabase(serverUrl) : null;
const names: TargetName[] = ['yoga', 'embedded', ...(database ? ['postgres' as const] : [])];

const start = (name: TargetName, nodeOptions: readonly string[] = []): Promise<Target> =>
  startTarget(name, { upstreamUrl, databaseUrl: database?.url, nodeOptions });

async function load(target: Target, suite: Suite, times: { warmUpMs: number; durationMs: number }) {
  const operation = target.documents[suite.operation];
  if (!operation) return null;
  await fetch(upstreamUrl, { method: 'PUT', body: JSON.stringify(suite.pace) });
  return measure(target, { ...suite.job, ...operation, ...times }, upstream.pid!);
}

async function compare(targets: readonly Target[], suite: Suite): Promise<Line[]> {
  const rounds: Round[] = [];
  // Compiled code decides: each target has served the same traffic before it is measured.
  for (const target of targets) await load(target, suite, { warmUpMs: 0, durationMs });
  for (let round = 0; round < Number(asked.rounds); round += 1) {
    const order = round % 2 === 0 ? targets : targets.toReversed();
    const result: Round = { values: {}, foreign: 0 };
    for (const target of order) {
      const measured = await load(target, suite, { warmUpMs: 500, durationMs });
      if (!measured) continue;
      result.values[target.name] = suite.read(measured);
      result.foreign = Math.max(result.foreign, measured.foreign);
    }
    rounds.push(result);
  }
  return linesOf(suite, rounds);
}

async function profile(suite: Suite, folder: string): Promise<void> {
  for (const name of names) {
    const place = `${folder}/${suite.name}-${name}`;
    const target = await start(name, ['--cpu-prof', `--cpu-prof-dir=${place}`]);
    await load(target, suite, { warmUpMs: 2_000, durationMs });
    await target.stop();
    console.log(`\n${suite.name} on ${name}, of ${place}\n${await heaviestFunctions(place)}`);
  }
}

try {
  if (asked.profile) {
    for (const suite of chosen) await profile(suite, asked.profile);
  } else {
    const targets: Target[] = [];
    for (const name of names) targets.push(await start(name));
    const lines: Line[] = [];
    for (const suite of chosen) {
      const added = await compare(targets, suite);
      lines.push(...added);
      console.log(table(added).split('\n').slice(2).join('\n'));
    }
    for (const target of targets) await target.stop();
    console.log(`\n${table(lines)}\n\n${isPinned ? 'Server pinned to a core.' : 'Not pinned.'}`);
    if (asked.json) await writeFile(asked.json, `${JSON.stringify(lines, null, 2)}\n`);
  }
} finally {
  await stopProgram(upstream);
  await database?.drop();
}
