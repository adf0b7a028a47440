import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The server under test has a core of its own, where there are two and `taskset` to say so. */
export type Core = 'server' | 'load';

const cores: Record<Core, string> = { server: '1', load: '0' };
export const isPinned = process.platform === 'linux' && availableParallelism() > 1;

export interface Program {
  file: string;
  core: Core;
  environment?: Record<string, string | undefined>;
  nodeOptions?: readonly string[];
}

/** Starts a program of this folder, or a file by its path from the root of the repository. */
export function startProgram({ file, core, environment, nodeOptions = [] }: Program): ChildProcess {
  const node = [process.execPath, ...nodeOptions, fileURLToPath(new URL(file, import.meta.url))];
  const [command = '', ...options] = isPinned ? ['taskset', '-c', cores[core], ...node] : node;
  return spawn(command, options, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment },
  });
}

/** Resolves with what the program prints that matches. Rejects with its last words when it ends before. */
export async function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  let output = '';
  const found = Promise.withResolvers<string>();
  child.stderr!.on('data', (bytes: Buffer) => {
    output += bytes;
  });
  child.stdout!.on('data', (bytes: Buffer) => {
    output += bytes;
    const match = pattern.exec(output);
    if (match) found.resolve(match[1] ?? match[0]);
  });
  child.once('exit', () => found.reject(new Error(`a program ended early: ${output.slice(-800)}`)));
  return found.promise;
}

export async function stopProgram(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(timer);
}

/** Processor time of a process, all its threads included, in microseconds; the kernel counts in steps of 10 ms. */
export function processorMicroseconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  return (Number(stat[11]) + Number(stat[12])) * 10_000;
}

export function residentMebibytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
}

/** Processor time of the whole machine, in microseconds; what the hypervisor took away counts as used. */
export function machineMicroseconds(): number {
  const fields = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0]!.trim().split(/\s+/);
  const [user, nice, system, , , interrupts, softInterrupts, stolen] = fields.slice(1).map(Number);
  return (user! + nice! + system! + interrupts! + softInterrupts! + stolen!) * 10_000;
}
