import { printDocument } from './print-document.ts';
import { resumableDocument } from './resumable-document.ts';
import { Run, type RunOptions } from './run.ts';
import { RunError } from './run-error.ts';
import type { ExecutionResult, Transport } from './transport.ts';
import { createServerSentEventsTransport } from './transports/server-sent-events-transport.ts';
import { createWebSocketTransport } from './transports/web-socket-transport.ts';
import type { RootOf, TypedDocument, VariablesArgument } from './typed-document.ts';

export type { RunOptions } from './run.ts';
export { Run } from './run.ts';
export { RunError } from './run-error.ts';
export type { TypedDocument } from './typed-document.ts';

export interface ClientOptions {
  /** The server's endpoint, such as `https://example.com/graphql`; in a browser also a path of the page's own origin. */
  url: string;
  /** A key or an access token. A function is asked again for each connection, so that it can renew what expires. */
  token?: string | (() => string | null | Promise<string | null>);
  /** How subscriptions travel. Default: `websocket`. */
  transport?: 'websocket' | 'sse';
  /** For runtimes without one of their own. */
  fetch?: typeof fetch;
  webSocketImpl?: unknown;
}

export interface Client {
  /**
   * Begins the run of a subscription (`completion`, `answer`, `agent`, `ingest`, a prompt's own field), or joins one
   * (`runEvents`). Throws at once when the document is not one subscription with one field.
   */
  run<Data, Variables>(
    document: TypedDocument<Data, Variables>,
    variables?: VariablesArgument<Variables>,
    options?: RunOptions,
  ): Run<RootOf<Data>>;
  /** A query or mutation. Rejects with a `RunError` when the answer holds errors. */
  execute<Data, Variables>(
    document: TypedDocument<Data, Variables>,
    variables?: VariablesArgument<Variables>,
    options?: { signal?: AbortSignal },
  ): Promise<Data>;
  /** Ends every stream, and the connection. Runs are left as `onDisconnect` says. */
  close(): void;
}

/** A client that loses and doubles no character of a run, whatever becomes of its connection. */
export function createClient(options: ClientOptions): Client {
  const url = new URL(options.url, globalThis.location?.href).href;
  const send = options.fetch ?? globalThis.fetch.bind(globalThis);
  const token = async (): Promise<string | null> =>
    (typeof options.token === 'function' ? await options.token() : options.token) ?? null;
  const headers = async (): Promise<Record<string, string>> => {
    const secret = await token();
    return secret ? { authorization: `Bearer ${secret}` } : {};
  };
  const transport: Transport =
    options.transport === 'sse'
      ? createServerSentEventsTransport({ url, headers, fetch: send })
      : createWebSocketTransport({
          url: url.replace(/^http/, 'ws'),
          connectionParams: headers,
          webSocketImpl: options.webSocketImpl,
        });
  const execute: Client['execute'] = async (document, variables, { signal } = {}) => {
    const response = await send(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(await headers()) },
      body: JSON.stringify({ query: printDocument(document), variables }),
      signal: signal ?? null,
    });
    const { data, errors } = (await response.json()) as ExecutionResult;
    const [error] = errors ?? [];
    if (error) throw new RunError(error.message, { code: error.extensions?.code ?? 'ERROR' });
    return data as never;
  };
  const cancelRun = async (runId: string): Promise<void> => {
    await execute('mutation Cancel($id: ID!) { cancelRun(id: $id) { __typename } }', {
      id: runId,
    } as never);
  };
  return {
    run: (document, variables, runOptions = {}) =>
      new Run(
        { transport, cancelRun },
        {
          document: resumableDocument(printDocument(document)),
          variables: (variables ?? {}) as Record<string, unknown>,
        },
        runOptions,
      ),
    execute,
    close: () => transport.close(),
  };
}
