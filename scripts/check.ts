// npm run check: everything that must hold before a commit. `-- --without-tests` leaves the test suite out.
import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';

const steps: [name: string, ...command: [string, ...string[]]][] = [
  ['types', 'tsc', '--noEmit', '--project', '.'],
  ['format and lint', 'biome', 'check', '--error-on-warnings'],
  ['rooms', 'node', 'scripts/check-rooms.ts'],
  ['unused code', 'knip'],
  ['migrations', 'node', 'scripts/migrate.ts', 'check'],
];
if (!process.argv.includes('--without-tests')) steps.push(['tests', 'npm', 'test']);

/** Runs a program silently; resolves with what it wrote, or null when it succeeded. */
function complaintOf(program: string, options: string[]): Promise<string | null> {
  const child = spawn(program, options, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const collect = (text: Buffer): void => {
    output += text;
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code) => resolve(code === 0 ? null : output.trim()));
  });
}

let failed = 0;
for (const [name, program, ...options] of steps) {
  const start = performance.now();
  const complaint = await complaintOf(program, options);
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  console.log(`${complaint === null ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (complaint !== null) {
    console.log(`${complaint}\n`);
    failed += 1;
  }
}
console.log(failed === 0 ? 'Everything holds.' : `${failed} of ${steps.length} failed.`);
process.exitCode = failed === 0 ? 0 : 1;
