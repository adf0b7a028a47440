import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import { z } from 'zod';

type Validate = (value: unknown) => { valid: boolean; errorMessage: string | undefined };

/**
 * A zod object that stands for a JSON Schema as it is: it takes what the JSON Schema takes, and `z.toJSONSchema` of it
 * gives back that JSON Schema, word for word. Throws when the JSON Schema cannot be compiled.
 *
 * Not `z.fromJSONSchema`: that refuses `not`, `if` and others, passes over `required` names without a property, fills
 * in defaults that the server would fill in itself, and its way back to JSON Schema is another one than came.
 */
export function jsonSchemaObject(jsonSchema: Record<string, unknown>): z.ZodObject {
  // One validator each: schemas of different tools may have the same $id.
  const validate: Validate = new AjvJsonSchemaValidator().getValidator(jsonSchema);
  return describedObject(jsonSchema, (value) => {
    const { valid, errorMessage = 'is not valid' } = validate(value);
    return valid ? null : errorMessage.replaceAll(/\bdata(?=[ /])\/?/g, '').trim();
  });
}

/** The same without the check, for a JSON Schema that cannot be compiled here. */
export const uncheckedObject = (jsonSchema: Record<string, unknown>): z.ZodObject =>
  describedObject(jsonSchema, () => null);

function describedObject(
  jsonSchema: Record<string, unknown>,
  problemOf: (value: unknown) => string | null,
): z.ZodObject {
  const schema = z.looseObject({}).check((payload) => {
    const message = problemOf(payload.value);
    if (message !== null) payload.issues.push({ code: 'custom', message, input: payload.value });
  });
  // Not `_zod.toJSONSchema`, which is made for this: zod 4.6.7 fails on it for schemas that have checks.
  schema._zod.processJSONSchema = (_context, json) => {
    Object.assign(json, structuredClone(jsonSchema));
  };
  return schema;
}
