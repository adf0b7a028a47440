const hookTimeoutMs = 5_000;

/** Waits for what a hook returned, but for 5 s at most: it rejects then, and the hook is left to itself. */
export async function boundedHook(work: unknown): Promise<void> {
  if (!isThenable(work)) return;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`a plugin hook took longer than ${hookTimeoutMs} ms`)),
    hookTimeoutMs,
  );
  await Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value;
