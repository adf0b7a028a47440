import type { Writable } from 'node:stream';
import { type Level, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import type { Log } from '../kernel/log.ts';

interface CreateLogOptions {
  level: Level | 'silent';
  /** Lines for a person at a terminal instead of JSON. */
  pretty: boolean;
  /** Default: standard output. */
  destination?: Writable;
}

const secretFields = [
  'authorization',
  'cookie',
  'secret',
  'session',
  'apiKey',
  'password',
  'token',
  'headers',
  'variables',
  'text',
  'messages',
  'input',
  'output',
];

/**
 * Only what helps to find the fault. An error's own properties are left out: those of a provider's SDK hold requests
 * and headers.
 */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = (error as { code?: unknown }).code;
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}

/** The server's log: a JSON line for each entry, or readable lines for a terminal. Secrets that slip in are blanked. */
export function createLog(options: CreateLogOptions): Log {
  const destination = options.pretty
    ? pretty({
        colorize: true,
        ignore: 'pid,hostname',
        translateTime: 'HH:MM:ss',
        singleLine: true,
        sync: true,
        ...(options.destination ? { destination: options.destination } : {}),
      })
    : options.destination;
  const log: Logger = pino(
    {
      level: options.level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
      redact: {
        paths: secretFields.flatMap((field) => [field, `*.${field}`]),
        censor: '[redacted]',
      },
    },
    ...(destination ? [destination] : []),
  );
  return log;
}
