import { withTimeout } from './with-timeout.ts';

const hookTimeoutMs = 5_000;

/** Waits for what a hook returned, but for 5 s at most: it rejects then, and the hook is left to itself. */
export async function boundedHook(work: unknown): Promise<void> {
  if (isThenable(work)) await withTimeout(hookTimeoutMs, work, 'a plugin hook');
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value;
