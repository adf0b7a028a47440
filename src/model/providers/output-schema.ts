import { transformJSONSchema } from '@anthropic-ai/sdk/lib/transform-json-schema';
import { z } from 'zod';
import { DomainError } from '../../kernel/errors.ts';
import { messageOf } from '../../kernel/message-of.ts';

type JsonSchema = Record<string, unknown>;
type Place = readonly (string | number)[];

const known = new WeakMap<z.ZodType, JsonSchema>();

/**
 * The JSON Schema a provider is given for structured output: closed objects; what it can't enforce (minimum, pattern)
 * stands in the descriptions; a date that is coerced is an ISO 8601 text. Throws MODEL_REFUSED, with the place, for a
 * schema that no provider can be given: one with records, any, other dates, tuples or transforms. The SDK itself would
 * turn a record into an empty object, silently.
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
    const json = z.toJSONSchema(schema, {
      reused: 'ref',
      unrepresentable: ({ zodSchema, path, message }) => {
        const { def } = zodSchema._zod;
        if (def.type !== 'date') return refuse(path, message);
        if (!def.coerce) return refuse(path, 'a model answers with text: use z.coerce.date()');
        return { type: 'string', format: 'date-time' };
      },
      override: ({ zodSchema, jsonSchema, path }) => {
        const { type } = zodSchema._zod.def;
        if (type === 'tuple') refuse(path, 'a tuple: use z.object(…) with a name for each part');
        if (type === 'any' || type === 'unknown')
          refuse(path, 'it may be anything: say what it is');
        if (isRecord(jsonSchema))
          refuse(path, 'a record, whose fields are not known beforehand: use an array of objects');
      },
    });
    return transformJSONSchema(json);
  } catch (error) {
    const reason = messageOf(error);
    throw new DomainError('MODEL_REFUSED', `A model can't be asked for this output: ${reason}`);
  }
}

const keywords = new Set(['properties', 'items', 'anyOf', 'oneOf', 'allOf', '$defs']);

function refuse(path: Place, why: string): never {
  const names = path.filter((part) => typeof part === 'string' && !keywords.has(part));
  throw new Error(`${['output', ...names].join('.')}: ${why}`);
}

function isRecord({ additionalProperties, properties = {} }: z.core.JSONSchema.BaseSchema) {
  const open = typeof additionalProperties === 'object' || additionalProperties === true;
  return open && Object.keys(properties).length === 0;
}
