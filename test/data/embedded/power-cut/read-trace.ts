import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

interface Step {
  /** When it began and when it was over, in nanoseconds of the machine's monotonic clock. */
  from: bigint;
  to: bigint;
}

/** What a thread did to the files of a folder, by names relative to it. */
export type DiskStep = Step &
  (
    | { op: 'open'; file: string; handle: string }
    | { op: 'create' | 'mkdir' | 'remove'; file: string }
    | { op: 'rename'; file: string; target: string }
    | { op: 'write'; handle: string; position: number; data: Buffer }
    | { op: 'truncate'; handle: string; file?: undefined; size: number }
    | { op: 'truncate'; file: string; handle?: undefined; size: number }
    | { op: 'sync'; handle: string }
  );

/** The steps of all threads of all processes, in the order in which they began. */
export async function readTrace(folder: string): Promise<DiskStep[]> {
  const names = await readdir(folder);
  const traces = await Promise.all(names.map((name) => readFile(path.join(folder, name))));
  return traces.flatMap(parse).sort((a, b) => Number(a.from - b.from));
}

function parse(trace: Buffer): DiskStep[] {
  const steps: DiskStep[] = [];
  for (let at = 0; at < trace.length; ) {
    const bodyAt = at + 4 + trace.readUInt32LE(at);
    const { from, to, bytes, ...rest } = JSON.parse(trace.toString('utf8', at + 4, bodyAt)) as {
      from: string;
      to: string;
      bytes: number;
      op: string;
    };
    const known = ['open', 'create', 'mkdir', 'remove', 'rename', 'write', 'truncate', 'sync'];
    if (!known.includes(rest.op))
      throw new Error(`a step that no image can be made of: ${rest.op}`);
    const data = trace.subarray(bodyAt, bodyAt + bytes);
    steps.push({ ...rest, from: BigInt(from), to: BigInt(to), data } as DiskStep);
    at = bodyAt + bytes;
  }
  return steps;
}
