import { describe, expect, test } from 'vitest';
import { rootObject } from '../../src/kernel/tools/root-object.ts';

const a = { type: 'string', description: 'A.' };
const b = { type: 'number' };

describe('the root of a tool input', () => {
  test('that is an object stays as it is', () => {
    const schema = { type: 'object', properties: { a }, required: ['a'] };
    expect(rootObject(schema)).toBe(schema);
  });

  test.each([
    [
      'anyOf of required names',
      { type: 'object', properties: { a, b }, anyOf: [{ required: ['a'] }, { required: ['b'] }] },
      { properties: { a, b }, required: undefined },
    ],
    [
      'oneOf of objects',
      {
        type: 'object',
        oneOf: [
          { properties: { kind: { const: 'x' }, a }, required: ['kind', 'a'] },
          { properties: { kind: { const: 'y' }, b }, required: ['kind', 'b'] },
        ],
      },
      {
        properties: { kind: { anyOf: [{ const: 'x' }, { const: 'y' }] }, a, b },
        required: ['kind'],
      },
    ],
    [
      'allOf with references',
      {
        type: 'object',
        allOf: [{ $ref: '#/$defs/one' }, { properties: { b }, required: ['b'] }],
        $defs: { one: { properties: { a }, required: ['a'] } },
      },
      { properties: { a, b }, required: ['a', 'b'] },
    ],
    [
      'a reference',
      { $ref: '#/$defs/one', $defs: { one: { type: 'object', properties: { a } } } },
      { properties: { a } },
    ],
    ['not', { type: 'object', properties: { a }, not: { required: ['b'] } }, { properties: { a } }],
  ])('that is %s becomes an object with all properties', (_name, schema, expected) => {
    const object = rootObject(schema);
    expect(object).toMatchObject({ type: 'object', ...expected });
    for (const keyword of ['anyOf', 'oneOf', 'allOf', 'not', '$ref']) {
      expect(object).not.toHaveProperty(keyword);
    }
  });

  test('says what it no longer demands', () => {
    const schema = {
      type: 'object',
      description: 'An issue.',
      properties: { a, b },
      anyOf: [{ required: ['a'] }, { required: ['b'] }],
    };
    expect(rootObject(schema)['description']).toBe(
      'An issue. It must match: {"anyOf":[{"required":["a"]},{"required":["b"]}]}',
    );
  });

  test('that refers to itself comes to an end', () => {
    const schema = { type: 'object', anyOf: [{ $ref: '#/$defs/x' }], $defs: { x: {} as object } };
    schema.$defs.x = { properties: { a }, anyOf: [{ $ref: '#/$defs/x' }] };
    expect(rootObject(schema)).toMatchObject({ properties: { a } });
  });
});
