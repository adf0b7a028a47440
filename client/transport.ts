/** An operation as it goes over the wire. */
export interface OperationRequest {
  query: string;
  variables: Record<string, unknown>;
  extensions?: Record<string, unknown>;
}

export interface ExecutionError {
  message: string;
  extensions?: { code?: string; retryAfter?: number; cursor?: string } & Record<string, unknown>;
}

export interface ExecutionResult {
  data?: Record<string, unknown> | null;
  errors?: readonly ExecutionError[];
}

export interface Sink {
  next(result: ExecutionResult): void;
  /** The last call: the stream is over, and the server said so. */
  complete(): void;
  /** The last call: the connection was lost or never made. `code` is the WebSocket's close code or the HTTP status. */
  lost(reason: { message: string; code?: number }): void;
}

/** How subscriptions travel. */
export interface Transport {
  /** Begins a subscription and returns its end: calling it unsubscribes, where the transport can. */
  subscribe(request: OperationRequest, sink: Sink): () => void;
  /** Makes the next connection with new credentials. */
  reconnect(): void;
  close(): void;
}
