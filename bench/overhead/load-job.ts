/** One measurement by the load client: whoever is ready begins the next call at once (a closed loop). */
export interface LoadJob {
  via: 'http' | 'sse' | 'ws';
  url: string;
  headers: Record<string, string>;
  query: string;
  variables: Record<string, unknown>;
  concurrency: number;
  warmUpMs: number;
  durationMs: number;
  /** Tokens that each answer must have; a call with another number is an error. */
  tokens: number;
  /** Opens this many subscriptions and keeps them until its standard input ends, instead of measuring. */
  hold?: number;
}

/** What the load client saw; milliseconds. */
export interface LoadResult {
  errors: number;
  firstError: string | null;
  calls: number;
  tokens: number;
  seconds: number;
  p50: number;
  p99: number;
  firstTokenP50: number;
  firstTokenP99: number;
}
