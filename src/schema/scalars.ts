import { GraphQLError } from 'graphql';
import { z } from 'zod';
import type { Builder } from './builder.ts';
import type { JsonInput } from './type-map.ts';

const instant = z.iso.datetime({ offset: true });
const dollars = /^\d{1,12}(\.\d{1,12})?$/;

const malformed = (message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });

function parseDateTime(value: unknown): Date {
  const date = instant.safeParse(value).success ? new Date(value as string) : null;
  if (!date || Number.isNaN(date.getTime())) {
    throw malformed('A DateTime is ISO 8601 with its offset: "2026-01-31T12:00:00Z".');
  }
  return date;
}

function serializeDateTime(value: Date | string): string {
  return (value instanceof Date ? value : new Date(value)).toISOString();
}

function parseUsd(value: unknown): string {
  if (typeof value === 'string' && dollars.test(value)) return value;
  throw malformed('USD is an exact decimal string of at least 0: "0.004215".');
}

function safeInteger(value: unknown): number {
  if (Number.isSafeInteger(value)) return value as number;
  throw malformed('SafeInt is a whole number up to 9007199254740991.');
}

export function declareScalars(builder: Builder): void {
  builder.scalarType('DateTime', {
    description: 'A moment, as ISO 8601 with its offset: "2026-01-31T12:00:00.000Z".',
    parseValue: parseDateTime,
    serialize: serializeDateTime,
  });
  builder.scalarType('JSON', {
    description: 'Any JSON value.',
    serialize: (value) => value,
    parseValue: (value) => value as JsonInput,
  });
  builder.scalarType('USD', {
    description: 'US dollars, exact, as a decimal string: "0.004215". Never a float.',
    parseValue: parseUsd,
    serialize: (value) => value,
  });
  builder.scalarType('SafeInt', {
    description: 'A whole number up to 9007199254740991 (2^53 - 1), as a JSON number.',
    parseValue: safeInteger,
    serialize: safeInteger,
  });
}
