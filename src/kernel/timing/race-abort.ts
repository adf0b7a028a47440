/** Waits for `work`, but not beyond the signal: rejects with its reason then, and the work is left to itself. */
export async function raceAbort<Result>(
  signal: AbortSignal,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([(async () => work())(), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
