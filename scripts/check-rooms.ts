// Part of npm run check: every import in src goes along the arrows between the rooms.
import { fileURLToPath } from 'node:url';
import { readRooms } from './room-graph.ts';
import { roomProblems } from './room-problems.ts';

const files = await readRooms(fileURLToPath(new URL('../src', import.meta.url)));
const problems = roomProblems(files);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log(`${files.length} files import along the arrows.`);
