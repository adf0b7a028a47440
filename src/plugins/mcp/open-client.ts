import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import type { Log } from '../../kernel/log.ts';
import { lastWords } from './last-words.ts';
import { reasonOf } from './reason-of.ts';
import type { ServerOptions } from './server-options.ts';

/** A connection that stands. */
export interface OpenClient {
  client: Client;
  /** Resolves once the connection is over; a child process has then ended. */
  closed: Promise<void>;
  /** Ends the connection and, if there is one, the child process: by its input's end, SIGTERM, SIGKILL, 2 s apart. */
  close(): Promise<void>;
}

/** Enough for a stack trace. */
const maxLines = 60;
const maxLineCharacters = 1_000;

// What the SDK takes at most to end a child process, and a little more.
const closeWithinMs = 6_000;

interface Opening {
  name: string;
  options: ServerOptions;
  log: Log;
}

/** Starts the child process or reaches the URL, and shakes hands. Rejects, with name and reason, when nothing is left behind. */
export async function openClient({ name, options, log }: Opening): Promise<OpenClient> {
  const { transport, lastWords } = createTransport(options, log);
  const closed = new Promise<void>((resolve) => {
    transport.onclose = resolve;
  });
  const client = new Client({ name: 'tessera', version: '1.0.0' });
  client.onerror = (error) => log.debug({ reason: reasonOf(error) }, 'MCP connection trouble');
  client.setNotificationHandler(ToolListChangedNotificationSchema, () =>
    log.info({}, 'an MCP server has other tools now: restart this server to see them'),
  );
  const close = async (): Promise<void> => {
    await client.close();
    await Promise.race([closed, delay(closeWithinMs, undefined, { ref: false })]);
  };
  try {
    await client.connect(transport, { timeout: options.startTimeoutMs });
  } catch (error) {
    await close();
    const words = lastWords();
    const reason = words ? `${reasonOf(error)}; its last words: ${words}` : reasonOf(error);
    throw new Error(`MCP server "${name}" cannot be reached: ${reason}`);
  }
  return { client, closed, close };
}

function createTransport(
  options: ServerOptions,
  log: Log,
): { transport: Transport; lastWords: () => string } {
  if ('url' in options) {
    const { url, headers } = options;
    const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
    return { transport: transport as Transport, lastWords: () => '' };
  }
  const { command, args, env, cwd } = options;
  const place = cwd === undefined ? {} : { cwd };
  const transport = new StdioClientTransport({ command, args, env, ...place, stderr: 'pipe' });
  return { transport, lastWords: tail(transport.stderr as Readable, log) };
}

/** Logs a child process's stderr, and keeps its last lines: they say why it ended. */
function tail(output: Readable, log: Log): () => string {
  let lines: string[] = [];
  let unfinished = '';
  output.setEncoding('utf8').on('data', (text: string) => {
    const more = (unfinished + text).split('\n').map((line) => line.slice(0, maxLineCharacters));
    unfinished = more.pop() ?? '';
    for (const line of more) log.debug({ line }, 'MCP server says');
    lines = [...lines, ...more].slice(-maxLines);
  });
  return () => lastWords([...lines, unfinished]);
}
