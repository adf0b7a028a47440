import { expect, test } from 'vitest';
import { figureProblems, roomFigures } from '../../scripts/room-figures.ts';
import { parseFile } from '../../scripts/room-graph.ts';
import { roomProblems } from '../../scripts/room-problems.ts';
import { wingArrows } from '../../scripts/wing-arrows.ts';

/** What is wrong with these files of src. */
const problemsOf = (files: Record<string, string>): string[] =>
  roomProblems(Object.entries(files).map(([file, source]) => parseFile(file, source)));

test('imports along the arrows are no problem', () => {
  expect(
    problemsOf({
      'server.ts': `import { a } from './runs/a.ts';`,
      'config.ts': `export const port = process.env['PORT'];`,
      'kernel/log.ts': `import { z } from 'zod'; import type { Page } from './page.ts';`,
      'runs/a.ts': `import { b } from '../ledger/b.ts'; export * from './c.ts'; // process.env`,
      'plugins/clock/clock.ts': `import { defineTool } from '../../tessera.ts'; import clock from 'clock';`,
    }),
  ).toEqual([]);
});

test.each([
  ['model/a.ts', `import { b } from '../ledger/b.ts';`, /model may import kernel\./],
  ['model/a.ts', `import type { B } from '../data/b.ts';`, /model may import/],
  ['model/a.ts', `export { b } from '../data/b.ts';`, /model may import/],
  ['model/a.ts', `type B = import('../data/b.ts').B;`, /model may import/],
  ['model/a.ts', `const b = await import('../data/b.ts');`, /model may import/],
  ['runs/a.ts', `import { server } from '../server.ts';`, /nobody may/],
  ['kernel/a.ts', `import { readFile } from 'node:fs/promises';`, /kernel may import only zod/],
  ['ledger/a.ts', `import pg from 'pg';`, /belongs to data/],
  ['ledger/a.ts', `import { PrismaPg } from '@prisma/adapter-pg';`, /belongs to data/],
  ['ledger/a.ts', `const port = process.env['PORT'];`, /reads the environment/],
  ['ledger/a.ts', `import { env } from 'node:process';`, /reads the environment/],
  ['ledger/a.ts', `import { env as settings } from 'process';`, /reads the environment/],
  ['attic/a.ts', ``, /attic is a new room/],
  ['runs/log/a.ts', `import { b } from '../live/b.ts';`, /runs\/log may import no other wing/],
  ['runs/calls/a.ts', `import type { B } from '../agent/b.ts';`, /runs\/calls may import live/],
  ['runs/attic/a.ts', ``, /runs\/attic is a new wing/],
  ['plugins/a/a.ts', `import { b } from '../b/b.ts';`, /plugins\/a may import no other wing/],
])('%s with %s is a problem', (file, source, problem) => {
  expect(problemsOf({ [file]: source })).toEqual([expect.stringMatching(problem)]);
});

test.each([
  ['an import', `import { b } from './b.ts';`],
  ['a type', `import type { B } from './b.ts';`],
])('a cycle is a problem, also one closed by %s', (_name, first) => {
  expect(
    problemsOf({ 'ledger/a.ts': first, 'ledger/b.ts': `import { a } from './a.ts';` }),
  ).toEqual(['An import cycle: ledger/a.ts → ledger/b.ts → ledger/a.ts']);
});

test('a wing imports the wings that it may and the files of its room', () => {
  expect(
    problemsOf({
      'runs/agent/a.ts': `import { b } from '../live/b.ts'; import { c } from '../c.ts';`,
      'runs/d.ts': `import { a } from './agent/a.ts'; import { e } from '../ledger/holds/e.ts';`,
      'cli/ingest/html/f.ts': `import { g } from '../g.ts';`,
    }),
  ).toEqual([]);
});

test('nothing to check is a problem', () => {
  expect(problemsOf({})).toEqual(['src holds no files: nothing was checked.']);
});

const figuresOf = (files: Record<string, string>) =>
  roomFigures(Object.entries(files).map(([file, source]) => parseFile(file, source)));

test('the figures are those of the files', () => {
  const long = `export const run = () => {${'\n'.repeat(60)}};`;
  const figures = figuresOf({
    'runs/a.ts': `import type { B } from './b.ts'; import { c } from './c.ts';`,
    'runs/b.ts': `import { c } from './c.ts';`,
    'runs/c.ts': `import { d } from './log/d.ts';`,
    'runs/log/d.ts': long,
  });
  expect(figures).toEqual({
    longestChain: ['runs/a.ts', 'runs/b.ts', 'runs/c.ts', 'runs/log/d.ts'],
    largestFolder: { folder: 'runs', files: 3 },
    singleImporters: 0.5,
    longFunctions: [{ file: 'runs/log/d.ts', name: 'run', lines: 61 }],
  });
});

test('a folder of more than 25 files is a problem', () => {
  const files = Array.from({ length: 26 }, (_, number) => [`runs/file-${number}.ts`, '']);
  expect(figureProblems(figuresOf(Object.fromEntries(files)))).toEqual([
    'runs holds 26 files: give its concepts folders.',
  ]);
});

test.each(Object.entries(wingArrows))(
  'the arrows between the wings of %s form no cycle',
  (_room, arrows) => {
    const below = (wing: string, above: string[]): string[] => {
      expect(above).not.toContain(wing);
      return (arrows[wing] ?? []).flatMap((next) => below(next, [...above, wing]));
    };
    for (const wing of Object.keys(arrows)) below(wing, []);
  },
);
