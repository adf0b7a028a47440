import path from 'node:path';
import type { SourceFile } from './room-graph.ts';

/** Limits of the figures of src. */
export const roomLimits = {
  /** Files on the longest chain of imports, types included. */
  chain: 20,
  filesPerFolder: 25,
  /** Share of files that exactly one other file imports. */
  singleImporters: 0.33,
  functionLines: 50,
};

/** How src is built, in figures. */
export interface RoomFigures {
  longestChain: string[];
  largestFolder: { folder: string; files: number };
  singleImporters: number;
  /** Longest first. */
  longFunctions: { file: string; name: string; lines: number }[];
}

export function roomFigures(files: readonly SourceFile[]): RoomFigures {
  return {
    longestChain: longestChain(files),
    largestFolder: largestFolder(files),
    singleImporters: singleImporters(files) / files.length,
    longFunctions: files
      .flatMap(({ file, functions }) => functions.map((each) => ({ file, ...each })))
      .filter(({ lines }) => lines > roomLimits.functionLines)
      .sort((one, other) => other.lines - one.lines),
  };
}

/** The figures in lines for people, each with its limit. */
export function describeFigures(figures: RoomFigures): string[] {
  const { longestChain, largestFolder, longFunctions } = figures;
  return [
    `${longestChain.length} files on the longest chain of imports (at most ${roomLimits.chain})`,
    `${largestFolder.files} files in the largest folder, ${largestFolder.folder} (at most ${roomLimits.filesPerFolder})`,
    `${percent(figures.singleImporters)} of files imported by exactly one other (at most ${percent(roomLimits.singleImporters)})`,
    `${longFunctions.length} functions over ${roomLimits.functionLines} lines (none)`,
  ];
}

/** A line for each figure that is out of bounds. */
export function figureProblems({ largestFolder }: RoomFigures): string[] {
  return [
    ...(largestFolder.files > roomLimits.filesPerFolder
      ? [`${largestFolder.folder} holds ${largestFolder.files} files: give its concepts folders.`]
      : []),
  ];
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** The files of the longest chain of imports. A chain ends where it would enter a cycle. */
function longestChain(files: readonly SourceFile[]): string[] {
  const importsOf = new Map(files.map(({ file, imports }) => [file, imports]));
  const chains = new Map<string, string[]>();
  const chainOf = (file: string): string[] => {
    const known = chains.get(file);
    if (known) return known;
    chains.set(file, []);
    const below = (importsOf.get(file) ?? []).filter((name) => importsOf.has(name)).map(chainOf);
    const chain = [file, ...longest(below)];
    chains.set(file, chain);
    return chain;
  };
  return longest(files.map(({ file }) => chainOf(file)));
}

const longest = (chains: readonly string[][]): string[] =>
  chains.reduce((best, chain) => (chain.length > best.length ? chain : best), []);

function largestFolder(files: readonly SourceFile[]): RoomFigures['largestFolder'] {
  const counts = Object.entries(Object.groupBy(files, ({ file }) => path.posix.dirname(file)));
  return counts
    .map(([folder, within = []]) => ({ folder, files: within.length }))
    .reduce((best, each) => (each.files > best.files ? each : best), { folder: '', files: 0 });
}

/** Files that exactly one other file imports. */
function singleImporters(files: readonly SourceFile[]): number {
  const importers = new Map<string, number>();
  for (const { imports } of files) {
    for (const target of imports) importers.set(target, (importers.get(target) ?? 0) + 1);
  }
  return files.filter(({ file }) => importers.get(file) === 1).length;
}
