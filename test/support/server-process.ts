import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The server as people start it: a process of its own, with nothing in its environment but `environment`. With
 * `throughNpm` the child is npm, and the server is npm's.
 */
export function spawnServer(
  environment: Record<string, string | undefined>,
  { throughNpm = false }: { throughNpm?: boolean } = {},
) {
  const [command, ...parameters] = throughNpm
    ? ['npm', 'start', '--silent']
    : [process.execPath, 'src/server.ts'];
  const child = spawn(command!, parameters, {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', PORT: '0', ...environment },
    // A group of its own, so that the end of a failed test reaches npm's child too.
    detached: throughNpm,
  });
  let printed = '';
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      for (const watcher of watchers) watcher();
    });
  }
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  return {
    child,
    exited,
    printed: () => printed,
    /** Resolves with the match as soon as the process has printed it; rejects when it exits before. */
    prints: (pattern: RegExp) =>
      new Promise<RegExpExecArray>((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(printed);
          if (!match) return;
          watchers.delete(look);
          resolve(match);
        };
        watchers.add(look);
        void exited.then((code) => reject(new Error(`exited with ${code}: ${printed}`)));
        look();
      }),
    [Symbol.asyncDispose]: async () => {
      try {
        process.kill(throughNpm ? -child.pid! : child.pid!, 'SIGKILL');
      } catch {
        // It has ended already.
      }
      await exited;
    },
  };
}
