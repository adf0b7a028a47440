import type { JSONRPCRequest } from '@modelcontextprotocol/sdk/types.js';
import type { Caller } from '../../kernel/access/principal.ts';

/** The client's name for itself: request ids are unique within it. */
export interface ClientSession {
  caller: Caller;
  /** Header `mcp-session-id`, made by this deployment but kept nowhere; undefined for clients that send none. */
  sessionId: string | undefined;
}

/**
 * Requests that are being answered here. A cancel comes as a request of its own, so it has to find the other; one that
 * is answered by another server is not found, and ends when its client closes the connection.
 */
export class CallsInFlight {
  readonly #ends = new Map<string, () => void>();

  /** Remembers how to end it. Returns what to call when it is over. */
  add(session: ClientSession, id: JSONRPCRequest['id'], end: () => void): () => void {
    if (session.sessionId === undefined) return () => undefined;
    const key = keyOf(session, id);
    this.#ends.set(key, end);
    return () => {
      if (this.#ends.get(key) === end) this.#ends.delete(key);
    };
  }

  cancel(session: ClientSession, id: JSONRPCRequest['id']): void {
    this.#ends.get(keyOf(session, id))?.();
  }
}

/** Nobody cancels for another: a session id that was heard of is worth nothing under another's key. */
const keyOf = ({ caller, sessionId }: ClientSession, id: JSONRPCRequest['id']): string =>
  JSON.stringify([caller.userId, caller.apiKeyId, sessionId, id]);
