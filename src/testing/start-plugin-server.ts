import { readConfig } from '../config.ts';
import type { ConfiguredPlugin } from '../kernel/plugin.ts';
import { startServer } from '../server/start-server.ts';
import { type LoggedLine, recordingLog } from './recording-log.ts';

export interface PluginServerOptions {
  /** All that the server has: list the built-in plugins as well that yours need. */
  plugins: readonly ConfiguredPlugin[];
  /** More of the environment, as an operator sets it: `{ TESSERA_MODEL: 'claude-haiku-4-5' }`. */
  environment?: Readonly<Record<string, string>>;
}

export interface PluginServer extends AsyncDisposable {
  /** Where it listens, without a path: any GraphQL client can call `${url}/graphql` with `adminKey` as bearer. */
  url: string;
  adminKey: string;
  /** Log entries of the server and its plugins so far. */
  logged: readonly LoggedLine[];
  /**
   * Executes one operation over HTTP, as the admin unless `key` holds another key. Resolves with its data; throws an
   * `Error` that lists what the server objects to.
   */
  execute<Data = Record<string, unknown>>(
    query: string,
    variables?: object,
    options?: { key?: string },
  ): Promise<Data>;
  /** The secret of a new key of a user without admin rights. */
  keyFor(userId: string): Promise<string>;
  /** Stops it; also done at the end of an `await using` block. */
  stop(): Promise<void>;
}

const adminKey = 'admin-key-of-plugin-tests';

/**
 * Starts a whole server with the given plugins on a free port: `await using server = await startPluginServer({ plugins })`.
 * Its database is in memory and its model is the demo model, which needs no key, costs nothing and answers the same each
 * time; `[demo:reply TEXT]` in a message makes it say TEXT, `[demo:tool NAME {"input": 1}]` makes it call a tool. Rejects
 * with a `StartupError` when a plugin is not sound.
 */
export async function startPluginServer({
  plugins,
  environment = {},
}: PluginServerOptions): Promise<PluginServer> {
  const settings = { PORT: '0', DATA_DIR: 'memory://', TESSERA_ADMIN_KEY: adminKey };
  const { log, lines } = recordingLog();
  const running = await startServer(readConfig({ ...settings, ...environment }), { log, plugins });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= running.stop(1_000);
    return stopped;
  };
  return {
    url: running.url,
    adminKey,
    logged: lines,
    execute: async (query, variables = {}, { key = adminKey } = {}) => {
      const response = await fetch(`${running.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
        body: JSON.stringify({ query, variables }),
      });
      const answer = (await response.json()) as { data?: unknown; errors?: { message: string }[] };
      if (answer.errors) throw new Error(answer.errors.map(({ message }) => message).join('\n'));
      return answer.data as never;
    },
    keyFor: async (userId) => {
      const key = { name: userId, userId, roles: ['USER' as const] };
      return (await running.services.auth.createApiKey(key)).secret;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
