import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { z } from 'zod';
import { DomainError } from '../kernel/errors.ts';

type JsonSchema = Record<string, unknown>;

const known = new WeakMap<z.ZodType, JsonSchema>();

/**
 * The JSON Schema a provider is given for structured output: closed objects; what it can't enforce (minimum, pattern)
 * stands in the descriptions. Throws MODEL_REFUSED for a schema that no provider can be given: one with records, any,
 * dates, tuples or transforms. The SDK itself would turn a record into an empty object, silently.
 */
export function outputJsonSchema(schema: z.ZodType): JsonSchema {
  const cached = known.get(schema);
  if (cached) return cached;
  const json = convert(schema);
  known.set(schema, json);
  return json;
}

function convert(schema: z.ZodType): JsonSchema {
  try {
    refuseRecords(z.toJSONSchema(schema), []);
    return zodOutputFormat(schema).schema;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DomainError(
      'MODEL_REFUSED',
      `The output schema can't be given to a model: ${reason}`,
    );
  }
}

function refuseRecords(node: unknown, path: string[]): void {
  if (Array.isArray(node)) {
    for (const entry of node) refuseRecords(entry, path);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  const { additionalProperties, properties } = node as JsonSchema;
  const open = typeof additionalProperties === 'object' || additionalProperties === true;
  if (open && Object.keys((properties ?? {}) as object).length === 0) {
    throw new Error(
      `at "${path.join('.')}" it has a record, whose fields are not known beforehand`,
    );
  }
  for (const [name, child] of Object.entries(node)) refuseRecords(child, pathBelow(path, name));
}

const keywords = new Set(['properties', 'items', 'anyOf', 'oneOf', 'allOf', '$defs']);
const pathBelow = (path: string[], name: string) => (keywords.has(name) ? path : [...path, name]);
