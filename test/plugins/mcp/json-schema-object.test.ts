import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { jsonSchemaObject } from '../../../src/plugins/mcp/json-schema-object.ts';

const recursive = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://example.com/tree',
  type: 'object',
  description: 'A tree.',
  properties: {
    mode: { type: 'string', enum: ['fast', 'slow'], default: 'fast' },
    root: { $ref: '#/$defs/node' },
  },
  required: ['root', 'token'],
  not: { required: ['forbidden'] },
  $defs: {
    node: {
      type: 'object',
      properties: { children: { type: 'array', items: { $ref: '#/$defs/node' } } },
    },
  },
};

describe('jsonSchemaObject', () => {
  test('gives back the JSON Schema as it came, every time', () => {
    const schema = jsonSchemaObject(recursive);
    expect(z.toJSONSchema(schema, { io: 'input' })).toEqual(recursive);
    expect(z.toJSONSchema(schema, { io: 'output' })).toEqual(recursive);
    expect(recursive).not.toHaveProperty('~standard');
  });

  test('takes what the JSON Schema takes, unchanged', () => {
    const value = { root: { children: [{ children: [] }] }, token: 1, extra: { kept: true } };
    expect(jsonSchemaObject(recursive).parse(value)).toEqual(value);
  });

  test.each([
    [{ root: {} }, "must have required property 'token'"],
    [
      { root: { children: [{ children: 'none' }] }, token: 1 },
      'root/children/0/children must be array',
    ],
    [{ root: {}, token: 1, mode: 'medium' }, 'mode must be equal to one of the allowed values'],
    [{ root: {}, token: 1, forbidden: 1 }, 'must NOT be valid'],
  ])('refuses %j and says why', (value, message) => {
    const { error } = jsonSchemaObject(recursive).safeParse(value);
    expect(error?.issues).toMatchObject([{ message, path: [] }]);
  });

  test('takes null for a member that may be left out, and for none that may not', () => {
    const schema = jsonSchemaObject({
      type: 'object',
      properties: {
        a: { type: 'string' },
        b: { type: ['string', 'null'] },
        c: { type: 'object', properties: { d: { type: 'number' } } },
      },
      required: ['a'],
    });
    expect(schema.parse({ a: 'x', b: null })).toEqual({ a: 'x', b: null });
    expect(schema.parse({ a: 'x', c: { d: null } })).toEqual({ a: 'x', c: {} });
    expect(schema.safeParse({ a: null }).success).toBe(false);
  });

  test('refuses what is no object', () => {
    expect(jsonSchemaObject({ type: 'object' }).safeParse([]).success).toBe(false);
  });

  test('lets two schemas have one $id', () => {
    const id = { $id: 'https://example.com/same', type: 'object' };
    const first = jsonSchemaObject({ ...id, required: ['a'] });
    const second = jsonSchemaObject({ ...id, required: ['b'] });
    expect(first.safeParse({ b: 1 }).success).toBe(false);
    expect(second.safeParse({ b: 1 }).success).toBe(true);
  });

  test('says at once that a schema cannot be compiled', () => {
    const broken = { type: 'object', properties: { a: { type: 'string', pattern: '(' } } };
    expect(() => jsonSchemaObject(broken)).toThrow(/Invalid regular expression/);
  });
});
