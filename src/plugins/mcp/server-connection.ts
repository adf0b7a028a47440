import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  type CallToolResult,
  CallToolResultSchema,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js';
import type { Log } from '../../kernel/log.ts';
import { ToolError } from '../../kernel/tools/tool-error.ts';
import { listTools } from './list-tools.ts';
import { type OpenClient, openClient } from './open-client.ts';
import { reasonOf } from './reason-of.ts';
import type { ServerOptions } from './server-options.ts';

export interface ToolCall {
  /** As the server names it. */
  tool: string;
  input: Record<string, unknown>;
  signal: AbortSignal;
}

interface ConnectionOptions {
  name: string;
  options: ServerOptions;
  log: Log;
  /** The clock of the backoff, in ms. Default `Date.now`. */
  now?: () => number;
}

const maxBackoffMs = 60_000;

/**
 * One MCP server, connected when first needed. When it dies, the next call connects anew: at once the first time, then,
 * until a call succeeds, after 1 s, 2 s, 4 s, at most 60 s; calls before that reject without trying.
 */
export class ServerConnection {
  readonly #name: string;
  readonly #options: ServerOptions;
  readonly #log: Log;
  readonly #now: () => number;
  #current: Promise<OpenClient> | null = null;
  #closing = false;
  #failures = 0;
  #retryAt = 0;
  #lastReason = '';

  constructor({ name, options, log, now = Date.now }: ConnectionOptions) {
    this.#name = name;
    this.#options = options;
    this.#log = log.child({ mcpServer: name });
    this.#now = now;
  }

  /** Rejects with a line that names the server; at the latest after `startTimeoutMs`, the connecting included. */
  async listTools(): Promise<Tool[]> {
    const deadlineAt = Date.now() + this.#options.startTimeoutMs;
    const { client } = await this.#connect();
    if (!client.getServerCapabilities()?.tools) return [];
    try {
      return await listTools(client, deadlineAt);
    } catch (error) {
      throw new Error(`MCP server "${this.#name}" does not list its tools: ${reasonOf(error)}`);
    }
  }

  /** Rejects when the server is away, says it cannot do this, or `signal` aborts; the server is told of an abort. */
  async callTool(call: ToolCall): Promise<CallToolResult> {
    const opening = this.#connect();
    try {
      return await this.#request(await opening, call);
    } catch (error) {
      if (!isLostSession(error)) throw error;
      // The server was started anew and refused the call unseen: nothing has been done yet.
      this.#drop(opening, reasonOf(error));
      return this.#request(await this.#connect(), call);
    }
  }

  /** Ends the connection and the child process. Calls in flight reject. */
  async close(): Promise<void> {
    this.#closing = true;
    const current = this.#current;
    this.#current = null;
    const opened = await current?.catch(() => null);
    await opened?.close();
  }

  async #request({ client }: OpenClient, { tool, input, signal }: ToolCall) {
    signal.throwIfAborted();
    const result = await client.request(
      { method: 'tools/call', params: { name: tool, arguments: input } },
      CallToolResultSchema,
      // The caller's own signal ends the call in time; the SDK's timeout of 60 s must not come before it.
      { signal, timeout: this.#options.timeoutMs + 1_000 },
    );
    this.#failures = 0;
    return result;
  }

  #connect(): Promise<OpenClient> {
    if (this.#closing) return Promise.reject(new ToolError('this server is shutting down'));
    if (this.#current) return this.#current;
    const waitMs = this.#retryAt - this.#now();
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1_000);
      return Promise.reject(new Error(`${this.#lastReason}. Try again in ${seconds} s.`));
    }
    const opening = openClient({ name: this.#name, options: this.#options, log: this.#log });
    this.#current = opening;
    opening.then(
      ({ closed }) => closed.then(() => this.#drop(opening, `MCP server "${this.#name}" ended`)),
      (error: unknown) => this.#drop(opening, reasonOf(error)),
    );
    return opening;
  }

  #drop(opening: Promise<OpenClient>, reason: string): void {
    if (this.#current !== opening) return;
    this.#current = null;
    this.#failures += 1;
    const backoffMs = this.#failures === 1 ? 0 : 1_000 * 2 ** (this.#failures - 2);
    this.#retryAt = this.#now() + Math.min(backoffMs, maxBackoffMs);
    this.#lastReason = reason;
    this.#log.warn({ reason, failures: this.#failures }, 'an MCP server is away');
    opening.then(({ close }) => close()).catch(() => undefined);
  }
}

/** 404 is what the specification says, 400 what many servers answer to a session that they do not know. */
const isLostSession = (error: unknown): boolean =>
  error instanceof StreamableHTTPError && (error.code === 404 || error.code === 400);
