/** How a stream ended before its run did. */
export interface Loss {
  message: string;
  /** The WebSocket's close code, or the HTTP status. */
  code?: number;
  /** `extensions.code` of the server's error. */
  error?: string;
  retryAfterMs?: number;
}

/** Losses in a row, without a single event between them, after which the run is given up: some two minutes. */
export const maxFailures = 30;

/** Close codes that the same client would only meet again (PROTOCOL.md). */
const fatalCloseCodes = new Set([1009, 4400, 4401, 4406, 4409, 4429]);

/** Errors of the server that end a stream and not its run, or that pass. */
const passing = new Set([
  'SLOW_CONSUMER',
  'SHUTTING_DOWN',
  'RATE_LIMITED',
  'INTERNAL_SERVER_ERROR',
]);

/** True when trying again would change nothing. Credentials are renewed once before they count as wrong. */
export function isRefusal({ code, error }: Loss, failures: number): boolean {
  if (error === 'UNAUTHENTICATED' || code === 4403 || code === 401) return failures > 1;
  if (error !== undefined) return !passing.has(error);
  if (code === undefined) return false;
  return fatalCloseCodes.has(code) || (code >= 400 && code < 500 && code !== 429 && code !== 408);
}

/** 100 ms, doubled up to 5 s, of which half is random so that a server's clients do not come back all at once. */
export function backoffMs(failures: number): number {
  const longest = Math.min(100 * 2 ** (failures - 1), 5_000);
  return longest / 2 + (Math.random() * longest) / 2;
}

/** Ends early, too, when the signal is aborted or the browser is online again. */
export function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const target = typeof addEventListener === 'function' ? globalThis : null;
    const end = (): void => {
      clearTimeout(timer);
      target?.removeEventListener('online', end);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    target?.addEventListener('online', end);
    signal.addEventListener('abort', end);
  });
}
