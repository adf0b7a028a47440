import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommandLine } from '../../../src/cli/run-command-line.ts';
import { readCliConfig } from '../../../src/config.ts';
import type { TestServer } from '../../support/start-test-server.ts';

const program = fileURLToPath(new URL('../../../src/cli/tessera.ts', import.meta.url));

export interface Folder extends AsyncDisposable {
  path: string;
  write(name: string, content: string | Uint8Array): Promise<void>;
}

/** A folder of its own with these files, gone at the end. */
export async function createFolder(files: Record<string, string | Uint8Array>): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'tessera-cli-'));
  const write: Folder['write'] = async (name, content) => {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), content);
  };
  for (const [name, content] of Object.entries(files)) await write(name, content);
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true });
  return { path, write, [Symbol.asyncDispose]: remove };
}

export interface CliOutcome {
  code: number | null;
  output: string;
  progress: string;
}

interface RunOptions {
  cwd: string;
  server?: Pick<TestServer, 'url' | 'adminKey'>;
  environment?: Record<string, string>;
  signal?: AbortSignal;
  /** As a terminal of this width shows it. */
  columns?: number;
}

const environmentOf = ({ server, environment }: RunOptions): Record<string, string> => ({
  ...(server ? { TESSERA_URL: server.url, TESSERA_KEY: server.adminKey } : {}),
  ...environment,
});

/** Runs a command in this process, which saves the start of another. */
export async function runCli(words: string[], options: RunOptions): Promise<CliOutcome> {
  const outcome: CliOutcome = { code: null, output: '', progress: '' };
  const { columns, signal = new AbortController().signal } = options;
  outcome.code = await runCommandLine({
    words,
    directory: options.cwd,
    readConfig: () => readCliConfig(environmentOf(options)),
    output: {
      write: (text) => {
        outcome.output += text;
      },
    },
    progress: {
      ...(columns ? { isTTY: true, columns } : {}),
      write: (text) => {
        outcome.progress += text;
      },
    },
    signal,
  });
  return outcome;
}

/** Runs the command line as a process of its own. */
export function spawnCli(words: string[], options: RunOptions): Promise<CliOutcome> {
  const { NODE_OPTIONS: _options, ...inherited } = process.env;
  const child = spawn(process.execPath, [program, ...words], {
    cwd: options.cwd,
    env: { ...inherited, ...environmentOf(options) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const outcome: CliOutcome = { code: null, output: '', progress: '' };
  child.stdout.on('data', (text: Buffer) => {
    outcome.output += text;
  });
  child.stderr.on('data', (text: Buffer) => {
    outcome.progress += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ ...outcome, code }));
  });
}
