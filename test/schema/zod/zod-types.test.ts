import { type GraphQLSchema, isInputObjectType, isObjectType, printType } from 'graphql';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { definePrompt } from '../../../src/kernel/prompt.ts';
import { createSchema } from '../../../src/schema/create-schema.ts';
import { registryOf } from '../support/registry-with.ts';

const Size = z.enum(['small', 'large']);

/** A schema, what it is as an input field and what as an output field. */
const cases: Record<string, [schema: z.ZodType, input: string, output: string]> = {
  string: [z.string(), 'String!', 'String!'],
  email: [z.email(), 'String!', 'String!'],
  url: [z.string().url(), 'String!', 'String!'],
  isoDateTime: [z.iso.datetime(), 'String!', 'String!'],
  template: [z.templateLiteral(['a', z.number()]), 'String!', 'String!'],
  branded: [z.string().brand('name'), 'String!', 'String!'],
  trimmed: [z.string().trim().toLowerCase(), 'String!', 'String!'],
  float: [z.number(), 'Float!', 'Float!'],
  bounded: [z.number().min(0).max(1), 'Float!', 'Float!'],
  int: [z.int(), 'Int!', 'Float!'],
  boundedInt: [z.int().min(0).max(100), 'Int!', 'Int!'],
  olderInt: [z.number().int().positive(), 'Int!', 'Float!'],
  int32: [z.int32(), 'Int!', 'Int!'],
  uint32: [z.uint32(), 'Float!', 'Float!'],
  wideInt: [z.int().max(1e12), 'Float!', 'Float!'],
  coerced: [z.coerce.number(), 'Float!', 'Float!'],
  boolean: [z.boolean(), 'Boolean!', 'Boolean!'],
  date: [z.date(), 'DateTime!', 'DateTime!'],
  optional: [z.string().optional(), 'String', 'String'],
  exactOptional: [z.exactOptional(z.string()), 'String', 'String'],
  nullable: [z.string().nullable(), 'String', 'String'],
  nullish: [z.string().nullish(), 'String', 'String'],
  defaultText: [z.string().default('x'), 'String = "x"', 'String!'],
  defaultNumber: [z.int().default(3), 'Int = 3', 'Float!'],
  defaultFlag: [z.boolean().default(false), 'Boolean = false', 'Boolean!'],
  defaultObject: [
    z.object({ a: z.string() }).default({ a: 'x' }),
    'ManyVariablesDefaultObject',
    'ManyOutputDefaultObject!',
  ],
  defaultNullable: [z.string().nullable().default(null), 'String', 'String'],
  prefault: [z.string().prefault('x'), 'String = "x"', 'String!'],
  caught: [z.string().catch('x'), 'String', 'String!'],
  nonoptional: [z.string().optional().nonoptional(), 'String!', 'String!'],
  readonly: [z.string().readonly(), 'String!', 'String!'],
  lazy: [z.lazy(() => z.int()), 'Int!', 'Float!'],
  refined: [z.string().refine((text) => text !== ''), 'String!', 'String!'],
  piped: [z.string().transform(Number).pipe(z.int()), 'String!', 'Float!'],
  preprocessed: [z.preprocess(String, z.string()), 'String!', 'String!'],
  codec: [
    z.codec(z.string(), z.date(), {
      decode: (text) => new Date(text),
      encode: (date) => date.toISOString(),
    }),
    'String!',
    'DateTime!',
  ],
  stringbool: [z.stringbool(), 'String!', 'Boolean!'],
  list: [z.array(z.string()), '[String!]!', '[String!]!'],
  sparseList: [z.array(z.string().nullable()).optional(), '[String]', '[String]'],
  grid: [z.array(z.array(z.int())), '[[Int!]!]!', '[[Float!]!]!'],
  optionalList: [z.array(z.array(z.int().nullable())).nullable(), '[[Int]!]', '[[Float]!]'],
  record: [z.record(z.string(), z.number()), 'JSON!', 'JSON!'],
  unknown: [z.unknown(), 'JSON', 'JSON'],
  any: [z.any(), 'JSON', 'JSON'],
  json: [z.json(), 'JSON', 'JSON'],
  openUnion: [z.union([z.string(), z.record(z.string(), z.string())]), 'JSON!', 'JSON!'],
  enum: [Size, 'ManyVariablesEnum!', 'ManyOutputEnum!'],
  enumDefault: [
    Size.default('small'),
    'ManyVariablesEnumDefault = small',
    'ManyOutputEnumDefault!',
  ],
  literal: [z.literal('a'), 'ManyVariablesLiteral!', 'ManyOutputLiteral!'],
  literals: [z.literal(['a', 'b']), 'ManyVariablesLiterals!', 'ManyOutputLiterals!'],
  nullLiteral: [z.literal(['a', null]), 'ManyVariablesNullLiteral', 'ManyOutputNullLiteral'],
  numberLiteral: [z.literal([1, 2]), 'Int!', 'Int!'],
  fractionLiteral: [z.literal(0.5), 'Float!', 'Float!'],
  flagLiteral: [z.literal(true), 'Boolean!', 'Boolean!'],
  unionOfLiterals: [
    z.union([z.literal('a'), z.literal('b'), z.enum(['c'])]),
    'ManyVariablesUnionOfLiterals!',
    'ManyOutputUnionOfLiterals!',
  ],
  nullUnion: [z.union([z.int(), z.null()]), 'Int', 'Float'],
  missingUnion: [z.union([z.int(), z.undefined()]), 'Int', 'Float'],
  textUnion: [z.union([z.email(), z.url()]), 'String!', 'String!'],
  suggestedUnion: [z.union([z.enum(['a', 'b']), z.string()]), 'String!', 'String!'],
  numberUnion: [z.union([z.int(), z.number()]), 'Float!', 'Float!'],
  object: [z.object({ a: z.string() }), 'ManyVariablesObject!', 'ManyOutputObject!'],
  strictObject: [
    z.strictObject({ a: z.int() }),
    'ManyVariablesStrictObject!',
    'ManyOutputStrictObject!',
  ],
  snake_case: [z.string(), 'String!', 'String!'],
};

const properties = Object.fromEntries(
  Object.entries(cases).map(([name, [schema]]) => [name, schema]),
);

function fieldTypes(schema: GraphQLSchema, name: string): Record<string, string> {
  const type = schema.getType(name);
  if (!isObjectType(type) && !isInputObjectType(type)) throw new Error(`${name} is ${type}`);
  const printed = Object.values(type.getFields()).map((field) => [field.name, String(field.type)]);
  return Object.fromEntries(printed);
}

const many = createSchema(
  registryOf(
    definePrompt({
      name: 'many',
      description: 'Every kind of schema.',
      variables: z.object(properties),
      output: z.object(properties),
      template: 'x',
    }),
  ),
);

const print = (schema: GraphQLSchema, name: string): string => {
  const type = schema.getType(name);
  return type ? printType(type) : `${name} is missing`;
};

test('each zod schema has its GraphQL input type, nullability and default', () => {
  const printed = print(many, 'ManyVariables')
    .split('\n')
    .map((line) => line.trim());
  for (const [name, [, input]] of Object.entries(cases)) {
    expect(printed).toContain(`${name}: ${input}`);
  }
});

test('each zod schema has its GraphQL output type and nullability', () => {
  const expected = Object.entries(cases).map(([name, [, , output]]) => [name, output]);
  expect(fieldTypes(many, 'ManyOutput')).toEqual(Object.fromEntries(expected));
});

const described = createSchema(
  registryOf(
    definePrompt({
      name: 'told',
      description: 'Shows what is told of a schema.',
      variables: z
        .object({
          text: z.string().describe('What to read.'),
          wrapped: z.string().describe('Told inside.').optional(),
          around: z.string().describe('Not this.').optional().describe('Told outside.'),
          email: z.email().describe('To whom.'),
          id: z.uuid(),
          mood: z.enum(['happy', 'very sad', '1st', 'true', 'naïve', '']),
        })
        .describe('What it needs.'),
      output: z.object({ level: z.enum({ Low: 1, High: 2 }), when: z.date() }),
      template: 'x',
    }),
  ),
);

test('descriptions and formats of texts are told', () => {
  expect(print(described, 'ToldVariables')).toMatchInlineSnapshot(`
    """"What it needs."""
    input ToldVariables {
      """Told outside."""
      around: String

      """To whom. (Format: email.)"""
      email: String!

      """Format: uuid."""
      id: String!
      mood: ToldVariablesMood!

      """What to read."""
      text: String!

      """Told inside."""
      wrapped: String
    }"
  `);
});

test('enum values that are no GraphQL names get the documented ones', () => {
  expect(print(described, 'ToldVariablesMood')).toMatchInlineSnapshot(`
    "enum ToldVariablesMood {
      """The value ""."""
      _

      """The value "1st"."""
      _1st
      happy

      """The value "naïve"."""
      na_ve

      """The value "true"."""
      true_

      """The value "very sad"."""
      very_sad
    }"
  `);
  expect(print(described, 'ToldOutputLevel')).toMatchInlineSnapshot(`
    "enum ToldOutputLevel {
      """The value "2"."""
      High

      """The value "1"."""
      Low
    }"
  `);
});

type Expression = { op: 'number'; value: number } | { op: 'sum'; of: Expression[] };
const Expression: z.ZodType<Expression> = z.discriminatedUnion('op', [
  z.object({ op: z.literal('number'), value: z.number() }).describe('A number.'),
  z.object({ op: z.literal('sum'), of: z.lazy(() => z.array(Expression)) }),
]);

const Shape = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('circle'), radius: z.number() }).describe('Round.'),
  z.object({ kind: z.enum(['square', 'very square']), side: z.int() }),
  z.discriminatedUnion('kind', [z.object({ kind: z.literal('nothing') })]),
]);

const Tree = z.object({
  value: z.string(),
  get children() {
    return z.array(Tree);
  },
});

type Cat = { name: string; kids: Cat[] };
const Cat: z.ZodType<Cat> = z.lazy(() => z.object({ name: z.string(), kids: z.array(Cat) }));

type Link = { value: string; next?: Link | null | undefined };
const Link: z.ZodType<Link> = z.lazy(() => z.object({ value: z.string(), next: Link.nullish() }));

test('a lazy schema that contains itself is one type', () => {
  const schema = createSchema(
    registryOf(
      definePrompt({
        name: 'grow',
        description: 'Grows.',
        variables: z.object({ cat: Cat, link: Link.optional() }),
        output: z.object({ cat: Cat }),
        template: '{{ cat.name }}{{ link | json }}',
      }),
    ),
  );
  expect(printType(schema.getType('GrowVariablesCat')!)).toContain('kids: [GrowVariablesCat!]!');
  expect(printType(schema.getType('GrowVariablesLink')!)).toContain('next: GrowVariablesLink\n');
  expect(printType(schema.getType('GrowOutputCat')!)).toContain('kids: [GrowOutputCat!]!');
});

const nested = createSchema(
  registryOf(
    definePrompt({
      name: 'draw',
      description: 'Draws.',
      variables: z.object({ shape: Shape, tree: Tree, expression: Expression }),
      output: z.object({ shape: Shape, tree: Tree.optional(), expression: Expression.nullable() }),
      template: 'x',
    }),
  ),
);

test('a discriminated union is a union of objects on output, its discriminator one shared enum', () => {
  const names = Object.keys(nested.getTypeMap()).filter(
    (name) => name.startsWith('DrawOutputShape') && !name.endsWith('Partial'),
  );
  expect(names.map((name) => print(nested, name)).join('\n')).toMatchInlineSnapshot(`
    "union DrawOutputShape = DrawOutputShapeCircle | DrawOutputShapeNothing | DrawOutputShapeSquare
    """Round."""
    type DrawOutputShapeCircle {
      kind: DrawOutputShapeKind!
      radius: Float!
    }
    enum DrawOutputShapeKind {
      circle
      nothing
      square

      """The value "very square"."""
      very_square
    }
    type DrawOutputShapeNothing {
      kind: DrawOutputShapeKind!
    }
    type DrawOutputShapeSquare {
      kind: DrawOutputShapeKind!
      side: Float!
    }"
  `);
});

test('a discriminated union is an @oneOf on input', () => {
  const names = Object.keys(nested.getTypeMap()).filter((name) =>
    name.startsWith('DrawVariablesShape'),
  );
  expect(names.map((name) => print(nested, name)).join('\n')).toMatchInlineSnapshot(`
    """"Exactly one: it says the "kind"."""
    input DrawVariablesShape @oneOf {
      """Round."""
      circle: DrawVariablesShapeCircle
      nothing: Boolean
      square: DrawVariablesShapeSquare
      very_square: DrawVariablesShapeSquare
    }
    """Round."""
    input DrawVariablesShapeCircle {
      radius: Float!
    }
    input DrawVariablesShapeSquare {
      side: Int!
    }"
  `);
});

test('what contains itself is one type', () => {
  const names = [
    'DrawVariablesTree',
    'DrawOutputTree',
    'DrawOutputExpression',
    'DrawOutputExpressionSum',
  ];
  expect(names.map((name) => print(nested, name)).join('\n')).toMatchInlineSnapshot(`
    "input DrawVariablesTree {
      children: [DrawVariablesTree!]!
      value: String!
    }
    type DrawOutputTree {
      children: [DrawOutputTree!]!
      value: String!
    }
    union DrawOutputExpression = DrawOutputExpressionNumber | DrawOutputExpressionSum
    type DrawOutputExpressionSum {
      of: [DrawOutputExpression!]!
      op: DrawOutputExpressionOp!
    }"
  `);
  expect(nested.getType('DrawVariablesTreeChildren')).toBeUndefined();
});
