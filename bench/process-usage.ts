import { readFile } from 'node:fs/promises';

/** Processor time that a process has used, in its own and in the kernel's code. */
export async function processorSeconds({ pid }: { pid: number }): Promise<number> {
  const stat = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
  return (Number(stat[11]) + Number(stat[12])) / 100;
}

/** Memory that a process occupies. */
export async function residentMegabytes({ pid }: { pid: number }): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
