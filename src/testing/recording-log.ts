import type { Log } from '../kernel/log.ts';

export interface LoggedLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
  fields: Record<string, unknown>;
}

/** A logger that keeps its entries in memory. */
export function recordingLog(): { log: Log; lines: readonly LoggedLine[] } {
  const lines: LoggedLine[] = [];
  const create = (common: object): Log => {
    const at =
      (level: LoggedLine['level']): Log['info'] =>
      (fields, message) =>
        void lines.push({ level, message, fields: { ...common, ...fields } });
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (fields) => create({ ...common, ...fields }),
    };
  };
  return { log: create({}), lines };
}
