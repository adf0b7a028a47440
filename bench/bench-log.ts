import type { Log } from '../src/kernel/log.ts';

const silent = (): void => undefined;
const print = (fields: object, message: string): void => console.error(message, fields);

/** Tells nothing but trouble. */
export const benchLog: Log = {
  debug: silent,
  info: silent,
  warn: print,
  error: print,
  child: () => benchLog,
};
