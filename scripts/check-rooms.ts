// Part of npm run check: the imports in src go along the arrows between rooms and wings, and its figures are in bounds.
import { fileURLToPath } from 'node:url';
import { describeFigures, figureProblems, roomFigures } from './room-figures.ts';
import { readRooms } from './room-graph.ts';
import { roomProblems } from './room-problems.ts';

const files = await readRooms(fileURLToPath(new URL('../src', import.meta.url)));
const figures = roomFigures(files);
const problems = [...roomProblems(files), ...figureProblems(figures)];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log(`${files.length} files import along the arrows.`);
for (const line of describeFigures(figures)) console.log(line);
