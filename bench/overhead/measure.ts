import type { LoadJob, LoadResult } from './load-job.ts';
import { machineMicroseconds, processorMicroseconds, startProgram } from './processes.ts';
import type { Target } from './targets.ts';

export interface Measurement extends LoadResult {
  /** Microseconds of the server's processor time. */
  cpuPerCall: number;
  cpuPerToken: number;
  /** Processor time that neither the server, the load client nor the upstream used, in parts of one core. */
  foreign: number;
}

interface Snapshot {
  at: number;
  machine: number;
  server: number;
  load: number;
  upstream: number;
}

/** Puts a load on a target. Rejects when a call failed: what is wrong is not measured. */
export async function measure(
  target: Target,
  job: Omit<LoadJob, 'url' | 'headers'>,
  upstreamPid: number,
): Promise<Measurement> {
  const child = startProgram({ file: 'load-client.ts', core: 'load' });
  const snapshot = (): Snapshot => ({
    at: performance.now(),
    machine: machineMicroseconds(),
    server: processorMicroseconds(target.pid),
    load: processorMicroseconds(child.pid!),
    upstream: processorMicroseconds(upstreamPid),
  });
  const snapshots: Snapshot[] = [];
  let output = '';
  let complaints = '';
  child.stdout!.on('data', (bytes: Buffer) => {
    output += bytes;
  });
  child.stderr!.on('data', (bytes: Buffer) => {
    complaints += bytes;
    for (const _mark of String(bytes).matchAll(/^(RUN|END)$/gm)) snapshots.push(snapshot());
  });
  const exited = new Promise((resolve) => child.once('close', resolve));
  child.stdin!.write(
    `${JSON.stringify({ ...job, url: target.url, headers: target.headers } satisfies LoadJob)}\n`,
  );
  await exited;
  const [begin, end] = snapshots;
  if (!begin || !end || !output) throw new Error(`the load client failed: ${complaints}`);
  const result = JSON.parse(output) as LoadResult;
  if (result.errors > 0 || result.calls === 0) {
    throw new Error(`${target.name}: ${result.errors} calls failed: ${result.firstError}`);
  }
  const used = (of: Exclude<keyof Snapshot, 'at'>): number => end[of] - begin[of];
  const elapsed = (end.at - begin.at) * 1_000;
  const foreign = used('machine') - used('server') - used('load') - used('upstream');
  return {
    ...result,
    cpuPerCall: used('server') / result.calls,
    cpuPerToken: used('server') / result.tokens,
    foreign: Math.max(0, foreign / elapsed),
  };
}
