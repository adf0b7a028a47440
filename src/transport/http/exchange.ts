import { randomUUID } from 'node:crypto';
import type { GraphQLError, OperationTypeNode } from 'graphql';
import type { Caller } from '../../kernel/access/principal.ts';

/** How the answer leaves: is its reader so slow that it has to be left behind? */
export interface Outflow {
  stalled(): boolean;
}

/** One operation on its way through the server: an HTTP request, or a `subscribe` message of a WebSocket. */
export interface Exchange {
  requestId: string;
  transport: 'http' | 'websocket';
  startedAt: number;
  /** The client's address; null until it is admitted, and where it is not known. */
  address: string | null;
  /** Null until the caller is known. */
  caller: Caller | null;
  /** Aborted when the connection is lost or its reader given up: not by an unsubscribe. */
  disconnected: AbortController;
  outflow: Outflow;
  /** Known once the document is parsed. */
  operation: { type: OperationTypeNode; name: string | null } | null;
  /** Known once the operation is executed: the runs that it has begun or follows. */
  runIds?: ReadonlySet<string>;
  /** "OK", or the code of the first error. */
  outcome: string;
  /** Ends the stream at once, also while it waits: with `refused`, else as stalled. Set once the operation streams. */
  giveUp?: (refused?: GraphQLError) => void;
}

// What a log line and a header may hold without being escaped.
const requestIdPattern = /^[\w.:/+=-]{1,128}$/;

/** The caller's own request id where it is harmless, else a new one. */
export function requestIdOf(header: string | string[] | undefined): string {
  return typeof header === 'string' && requestIdPattern.test(header) ? header : randomUUID();
}

export function createExchange(
  transport: Exchange['transport'],
  requestId: string,
  outflow: Outflow,
): Exchange {
  return {
    requestId,
    transport,
    outflow,
    startedAt: performance.now(),
    address: null,
    caller: null,
    disconnected: new AbortController(),
    operation: null,
    outcome: 'OK',
  };
}
