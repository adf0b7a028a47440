import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

export interface Objection {
  /** Without its ending. */
  file: string;
  line: string;
}

/** Compiles a project. Resolves with what the compiler objects to: it writes what it can all the same. */
export async function compile(project: string, root: string): Promise<Objection[]> {
  const compiler = spawn('tsc', ['--project', project, '--pretty', 'false'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = await text(compiler.stdout);
  return output
    .split('\n')
    .filter((line) => /error TS\d+/.test(line))
    .map((line) => ({ line, file: line.replace(/\.ts\(.*/s, '') }));
}
