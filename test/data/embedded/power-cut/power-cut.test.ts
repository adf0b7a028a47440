import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Acknowledgement, checkImage } from './check-image.ts';
import { type DiskStep, readTrace } from './read-trace.ts';
import { type Fate, SimulatedDisk } from './simulated-disk.ts';

// npm run test:power-cut: what is on the disk after a power cut, at random moments of a busy server's life.

const images = Number(process.env['POWER_CUT_IMAGES']);
const seed = Number(process.env['POWER_CUT_SEED'] ?? Date.now() % 1_000_000);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tessera-power-cut-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The same numbers for the same seed, in [0, 1). */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** From nothing that was not synced, over any part of it, to all. Half of the disks keep what was written last. */
function fateOf(random: () => number): Fate {
  const kind = random();
  const share = kind < 0.15 ? 0 : kind < 0.25 ? 1 : random();
  const keeps = (): boolean => random() < share;
  return { keepsName: keeps, keepsSector: keeps };
}

interface Recording {
  steps: DiskStep[];
  acknowledged: (Acknowledgement & { at: string })[];
}

/** A server's life from its first start on. */
async function record(durability: 'power' | 'process'): Promise<Recording> {
  const [data, traces] = ['data', 'traces'].map((name) => path.join(folder, durability, name));
  const lines = path.join(folder, durability, 'acknowledged');
  for (const made of [data!, traces!]) await mkdir(made, { recursive: true });
  const fixture = (name: string): string =>
    fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
  await promisify(execFile)(process.execPath, [fixture('load.ts'), '120', durability], {
    env: {
      ...process.env,
      NODE_OPTIONS: `--import=file://${fixture('record-writes.ts')}`,
      RECORDED_FOLDER: data,
      RECORD_TO: traces,
      ACKNOWLEDGED: lines,
    },
  });
  const acknowledged = (await readFile(lines, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Acknowledgement & { at: string });
  return { steps: await readTrace(traces!), acknowledged };
}

/** Cuts at random steps, each in a fate of its own. Resolves with what was wrong, an entry for each bad image. */
async function cut({ steps, acknowledged }: Recording, count: number): Promise<string[][]> {
  const random = randomFrom(seed);
  const cuts = Array.from({ length: count }, () => Math.floor(random() * steps.length));
  const disk = new SimulatedDisk();
  const bad: string[][] = [];
  let taken = 0;
  for (const at of cuts.sort((a, b) => a - b)) {
    for (; taken < at; taken++) disk.take(steps[taken]!);
    const image = await mkdtemp(path.join(folder, 'image-'));
    await disk.writeTo(image, fateOf(random));
    const due = acknowledged.filter((what) => BigInt(what.at) <= steps[at]!.from);
    const problems = await checkImage(image, due);
    if (problems.length > 0) bad.push([`seed ${seed}, step ${at}, ${due.length} due`, ...problems]);
    await rm(image, { recursive: true });
  }
  return bad;
}

describe('a power cut', { timeout: 3_600_000 }, () => {
  test('loses nothing that was acknowledged, and leaves a database that opens', async () => {
    const recording = await record('power');
    expect(recording.acknowledged.length).toBeGreaterThan(100);
    expect(await cut(recording, images)).toEqual([]);
  });

  test('would lose it without syncs: these images are no easier than a disk', async () => {
    const bad = await cut(await record('process'), 6);
    expect(bad.length).toBeGreaterThan(0);
  });
});
