import { expect, test } from 'vitest';
import { parseFile } from '../../scripts/room-graph.ts';
import { roomProblems } from '../../scripts/room-problems.ts';

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
])('%s with %s is a problem', (file, source, problem) => {
  expect(problemsOf({ [file]: source })).toEqual([expect.stringMatching(problem)]);
});

test('a cycle is a problem when the program runs into it, not among types', () => {
  const cycle = (first: string): string[] =>
    problemsOf({ 'runs/a.ts': first, 'runs/b.ts': `import { a } from './a.ts';` });
  expect(cycle(`import { b } from './b.ts';`)).toEqual([
    'An import cycle: runs/a.ts → runs/b.ts → runs/a.ts',
  ]);
  expect(cycle(`import type { B } from './b.ts';`)).toEqual([]);
});

test('nothing to check is a problem', () => {
  expect(problemsOf({})).toEqual(['src holds no files: nothing was checked.']);
});
