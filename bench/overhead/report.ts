import type { Suite } from './suites.ts';
import type { TargetName } from './targets.ts';

/** One measurement of a suite: the targets one after the other, on the same machine within the same minute. */
export interface Round {
  values: Partial<Record<TargetName, number>>;
  /** The largest part of a core that something else used meanwhile. */
  foreign: number;
}

export interface Line {
  suite: string;
  figure: string;
  unit: string;
  target: TargetName;
  median: number;
  floor: number | null;
  /** Of the paired rounds; null when the machine was too noisy to say, or there is no floor. */
  comparison: { kind: Suite['compares']; median: number; from: number; to: number } | null;
  rounds: number;
  noisyRounds: number;
}

/** A round during which others used more than this part of a core says nothing about the server. */
const maxForeign = 0.25;

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** Lines of the table for one suite. With fewer than half of the rounds quiet, no ratio is given. */
export function linesOf(suite: Suite, rounds: readonly Round[]): Line[] {
  const quiet = rounds.filter(({ foreign }) => foreign <= maxForeign);
  const usable = quiet.length * 2 >= rounds.length ? quiet : rounds;
  const isTold = usable === quiet;
  const names = (['embedded', 'postgres'] as const).filter((name) =>
    rounds.some(({ values }) => values[name] !== undefined),
  );
  return names.map((target) => {
    const paired = usable.filter(({ values }) => values[target] !== undefined);
    const floors = paired.flatMap(({ values }) => values.yoga ?? []);
    const compared = paired.flatMap(({ values }) => compare(suite, values, target));
    return {
      suite: suite.name,
      figure: suite.figure,
      unit: suite.unit,
      target,
      median: median(paired.map(({ values }) => values[target]!)),
      floor: floors.length > 0 ? median(floors) : null,
      comparison:
        isTold && compared.length > 0
          ? {
              kind: suite.compares,
              median: median(compared),
              from: Math.min(...compared),
              to: Math.max(...compared),
            }
          : null,
      rounds: rounds.length,
      noisyRounds: rounds.length - quiet.length,
    };
  });
}

function compare({ compares }: Suite, values: Round['values'], target: TargetName): number[] {
  const { yoga } = values;
  const own = values[target];
  if (yoga === undefined || own === undefined) return [];
  return [compares === 'ratio' ? own / yoga : own - yoga];
}

const shown = (value: number): string => value.toPrecision(value >= 100 ? 3 : 2);

/** The table in Markdown. */
export function table(lines: readonly Line[]): string {
  const rows = lines.map((line) => {
    const { comparison } = line;
    const sign = comparison?.kind === 'difference' ? '+ ' : '';
    const ratio = comparison
      ? `${sign}${shown(comparison.median)} (${shown(comparison.from)} to ${shown(comparison.to)})`
      : line.floor === null
        ? '–'
        : `too noisy (${line.noisyRounds} of ${line.rounds} rounds)`;
    const floor = line.floor === null ? '–' : `${shown(line.floor)} ${line.unit}`;
    return `| ${line.suite} | ${line.figure} | ${line.target} | ${floor} | ${shown(line.median)} ${line.unit} | ${ratio} |`;
  });
  return [
    '| suite | figure | database | bare Yoga | Tessera | ratio or difference (spread) |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}
