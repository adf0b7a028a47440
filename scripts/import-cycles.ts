import type { SourceFile } from './room-graph.ts';

/** Import cycles among files, types included. Each is reported once, as the files along it. */
export function findCycles(files: readonly SourceFile[]): string[][] {
  const importsOf = new Map(files.map(({ file, imports }) => [file, imports]));
  const finished = new Set<string>();
  const trail: string[] = [];
  const cycles: string[][] = [];
  const visit = (name: string): void => {
    const at = trail.indexOf(name);
    if (at >= 0) cycles.push([...trail.slice(at), name]);
    if (at >= 0 || finished.has(name)) return;
    trail.push(name);
    for (const next of importsOf.get(name) ?? []) visit(next);
    trail.pop();
    finished.add(name);
  };
  for (const { file } of files) visit(file);
  return cycles;
}
