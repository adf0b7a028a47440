import { spawnServer } from '../../../support/server-process.ts';

/** A server in a process of its own, as an operator runs it. */
export interface ServerProcess extends AsyncDisposable {
  url: string;
  pid: number;
  /** Sends a signal: SIGKILL to kill it, SIGSTOP to freeze it, SIGCONT to thaw it, SIGTERM to stop it in good order. */
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit code, or the signal that ended it. */
  exited: Promise<number | string>;
}

/** Starts `src/server.ts` on a free port; resolves when it serves. Rejects with its output when it ends before. */
export async function startServerProcess(
  environment: Record<string, string | undefined>,
): Promise<ServerProcess> {
  const server = spawnServer({ LOG_LEVEL: 'warn', ...environment });
  const [, url] = await server.prints(/Endpoint\s+(\S+)\/graphql/);
  return {
    url: url!,
    pid: server.child.pid!,
    exited: server.exited,
    signal: (name) => void server.child.kill(name),
    [Symbol.asyncDispose]: server[Symbol.asyncDispose],
  };
}
