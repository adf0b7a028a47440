import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

/** The ten functions of each thread's profile in `folder` that the processor spent the most time in themselves. */
export async function heaviestFunctions(folder: string): Promise<string> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile'));
  const parts = await Promise.all(
    files.map(async (name) => {
      const profile = JSON.parse(await readFile(path.join(folder, name), 'utf8')) as Profile;
      return `${name}\n${ranked(profile)}`;
    }),
  );
  return parts.join('\n');
}

function ranked({ nodes, samples, timeDeltas }: Profile): string {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const name = names.get(id)!;
    if (name.startsWith('(idle)')) continue;
    const delta = timeDeltas[index] ?? 0;
    busy += delta;
    times.set(name, (times.get(name) ?? 0) + delta);
  }
  return [...times]
    .sort(([, one], [, other]) => other - one)
    .slice(0, 10)
    .map(([name, time]) => `  ${((100 * time) / busy).toFixed(1).padStart(5)} %  ${name}`)
    .join('\n');
}

function nameOf({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const place = url.replace(/^.*\/(node_modules|src|bench)\//, '$1/');
  return `${functionName || '(anonymous)'}${place ? ` ${place}:${lineNumber + 1}` : ''}`;
}
