import type { Log } from '../../src/kernel/log.ts';

export interface LogEntry extends Record<string, unknown> {
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
}

/** A log that keeps what it is told. */
export function recordingLog(): { log: Log; entries: LogEntry[] } {
  const entries: LogEntry[] = [];
  const make = (parent: object): Log => {
    const at = (level: LogEntry['level']) => (fields: object, message: string) =>
      void entries.push({ ...parent, ...fields, level, message });
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (fields) => make({ ...parent, ...fields }),
    };
  };
  return { log: make({}), entries };
}
