import { z } from 'zod';

/**
 * The JSON Schema of what a schema takes (`input`) or gives (`output`). A date shows as an ISO 8601 string, anything
 * else that JSON cannot say as any value.
 */
export function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  return z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type === 'date') {
        jsonSchema.type = 'string';
        jsonSchema.format = 'date-time';
      }
    },
  });
}
