import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export interface LinkedProject extends AsyncDisposable {
  directory: string;
  /** Runs a program in the project; resolves with everything it wrote, and null or the code it failed with. */
  run(program: string, ...options: string[]): Promise<{ output: string; failed: number | null }>;
}

/** A project outside the checkout, with `tessera` in its node_modules as `npm link` leaves it. */
export async function linkedProject(files: Record<string, string>): Promise<LinkedProject> {
  const directory = await mkdtemp(join(tmpdir(), 'tessera-project-'));
  await mkdir(join(directory, 'node_modules'));
  await symlink(root, join(directory, 'node_modules', 'tessera'));
  // Types of Node, which a project of one's own has by its own package.json.
  await symlink(join(root, 'node_modules/@types'), join(directory, 'node_modules', '@types'));
  await writeFile(join(directory, 'package.json'), '{ "type": "module", "private": true }');
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  return {
    directory,
    run: (program, ...options) =>
      new Promise((resolve) => {
        const { NODE_OPTIONS: _options, ...env } = process.env;
        execFile(program, options, { cwd: directory, env }, (error, stdout, stderr) => {
          resolve({ output: stdout + stderr, failed: error ? Number(error.code) : null });
        });
      }),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** A program of the checkout's node_modules. */
export const binary = (name: string): string => join(root, 'node_modules/.bin', name);
