// npm run bench:durability: what it costs that the embedded database survives a power cut. Two servers that differ in
// EMBEDDED_DURABILITY alone take turns; the medians are compared within one run.
import { parseArgs } from 'node:util';
import { measure } from './measure.ts';
import { printed, startProgram, stopProgram } from './processes.ts';
import { startTarget, type Target } from './targets.ts';

const { values: asked } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
  },
});
const durabilities = ['process', 'power'] as const;
const upstream = startProgram({ file: 'upstream.ts', core: 'load' });
const upstreamUrl = await printed(upstream, /http\S+/);
await fetch(upstreamUrl, {
  method: 'PUT',
  body: JSON.stringify({ tokens: 200, firstTokenMs: 0, intervalMs: 0 }),
});

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function compare(targets: readonly Target[], concurrency: number): Promise<void> {
  const rates: number[][] = targets.map(() => []);
  const processor: number[][] = targets.map(() => []);
  const load = (target: Target) =>
    measure(
      target,
      {
        via: 'http',
        concurrency,
        tokens: 200,
        warmUpMs: 1_000,
        durationMs: Number(asked.seconds) * 1_000,
        ...target.documents.call,
      },
      upstream.pid!,
    );
  for (const target of targets) await load(target);
  for (let round = 0; round < Number(asked.rounds); round += 1) {
    const order = round % 2 === 0 ? [0, 1] : [1, 0];
    for (const index of order) {
      const { calls, cpuPerCall } = await load(targets[index]!);
      rates[index]!.push(calls / Number(asked.seconds));
      processor[index]!.push(cpuPerCall);
    }
  }
  const [process, power] = rates.map(median) as [number, number];
  const [processUsed, powerUsed] = processor.map(median) as [number, number];
  console.log(
    `${concurrency} at once: ${process.toFixed(0)} calls/s with process, ${power.toFixed(0)} with power` +
      ` (${(power / process).toFixed(2)}); processor time of a call ${(powerUsed / processUsed).toFixed(2)}`,
  );
}

const targets: Target[] = [];
try {
  for (const durability of durabilities) {
    const environment = { EMBEDDED_DURABILITY: durability };
    targets.push(await startTarget('embedded', { upstreamUrl, environment }));
  }
  for (const concurrency of [1, 16, 64]) await compare(targets, concurrency);
} finally {
  for (const target of targets) await target.stop();
  await stopProgram(upstream);
}
