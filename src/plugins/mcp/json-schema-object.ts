import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import { z } from 'zod';

type Validate = (value: unknown) => { valid: boolean; errorMessage: string | undefined };

/**
 * A zod object that stands for a JSON Schema as it is: it takes the values that the JSON Schema takes, and
 * `z.toJSONSchema` of it gives back that JSON Schema, word for word. Members that are null count as left out where the
 * value is valid without them: models write null for what they leave out. Throws when the JSON Schema cannot be compiled.
 *
 * Not `z.fromJSONSchema`: that refuses `not`, `if` and others, passes over `required` names without a property, fills
 * in defaults that the server would fill in itself, and its way back to JSON Schema is another one than came.
 */
export function jsonSchemaObject(jsonSchema: Record<string, unknown>): z.ZodObject {
  // One validator each: schemas of different tools may have the same $id.
  const validate: Validate = new AjvJsonSchemaValidator().getValidator(jsonSchema);
  return describedObject(jsonSchema, (payload) => {
    const { valid, errorMessage = 'is not valid' } = validate(payload.value);
    if (valid) return;
    const withoutNulls = dropNulls(payload.value);
    if (validate(withoutNulls).valid) {
      payload.value = withoutNulls as Record<string, unknown>;
      return;
    }
    const message = errorMessage.replaceAll(/\bdata(?=[ /])\/?/g, '').trim();
    payload.issues.push({ code: 'custom', message, input: payload.value });
  });
}

/** The same without the check, for a JSON Schema that cannot be compiled here. */
export const uncheckedObject = (jsonSchema: Record<string, unknown>): z.ZodObject =>
  describedObject(jsonSchema, () => {});

function describedObject(
  jsonSchema: Record<string, unknown>,
  check: (payload: z.core.ParsePayload<Record<string, unknown>>) => void,
): z.ZodObject {
  const schema = z.looseObject({}).check(check);
  // Not `_zod.toJSONSchema`, which is made for this: zod 4.6.7 fails on it for schemas that have checks.
  schema._zod.processJSONSchema = (_context, json) => {
    Object.assign(json, structuredClone(jsonSchema));
  };
  return schema;
}

function dropNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropNulls);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([key, member]) => [key, dropNulls(member)]));
}
