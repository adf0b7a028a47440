import type { Log } from '../../src/kernel/log.ts';

const ignore = (): void => undefined;

/** Says nothing. */
export const testLog: Log = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  child: () => testLog,
};
