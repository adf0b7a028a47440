import { expect, test } from 'vitest';
import { z } from 'zod';
import { definePrompt } from '../../../src/kernel/prompt.ts';
import { StartupError } from '../../../src/kernel/startup-error.ts';
import { checkPromptTypes } from '../../../src/schema/completions/prompt-shapes.ts';
import { createSchema } from '../../../src/schema/create-schema.ts';
import { registryOf } from '../support/registry-with.ts';

type Endless = Endless[];
const endless: z.ZodType<Endless> = z.lazy(() => z.array(endless));

const said = z.object({ ok: z.boolean() });

const promptWith = (variables: z.ZodObject, output: z.ZodType = said) =>
  definePrompt({ name: 'odd', description: 'Odd.', variables, output, template: 'x' });

/** What cannot be said on either side, and what is told of it behind "plugin …, prompt …, variables.at". */
const refused: [name: string, schema: z.ZodType, message: string][] = [
  [
    'bigint',
    z.bigint(),
    '"bigint" cannot be said in GraphQL: use z.string() for numbers beyond z.int()',
  ],
  ['symbol', z.symbol(), '"symbol" cannot be said in GraphQL: use another schema'],
  ['map', z.map(z.string(), z.int()), '"map" cannot be said in GraphQL: use z.record(…)'],
  ['set', z.set(z.string()), '"set" cannot be said in GraphQL: use z.array(…)'],
  [
    'tuple',
    z.tuple([z.string()]),
    '"tuple" cannot be said in GraphQL: use z.object(…) with a name for each part',
  ],
  [
    'intersection',
    z.intersection(z.object({ a: z.string() }), z.object({ b: z.string() })),
    '"intersection" cannot be said in GraphQL: use .extend(…) to join objects',
  ],
  ['never', z.never(), '"never" cannot be said in GraphQL: use another schema'],
  ['null', z.null(), '"null" cannot be said in GraphQL: use another schema'],
  ['instanceof', z.instanceof(URL), '"custom" cannot be said in GraphQL'],
  ['file', z.file(), '"file" cannot be said in GraphQL: use another schema'],
  ['emptyObject', z.object({}), 'an object without properties: leave it out, or use z.record(…)'],
  [
    'looseObject',
    z.looseObject({ a: z.string() }),
    'an object with further properties: name them all, or use z.record(…)',
  ],
  ['emptyEnum', z.enum([]), 'an enum without values: nothing could be of it'],
  ['mixedUnion', z.union([z.string(), z.int()]), 'a union of String and Int cannot be said'],
  [
    'objectUnion',
    z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]),
    'use z.discriminatedUnion("kind", […])',
  ],
  ['mixedLiterals', z.literal(['a', 1]), 'literals must be all texts, all numbers or all booleans'],
  [
    'numberedUnion',
    z.discriminatedUnion('v', [z.object({ v: z.literal(1) }), z.object({ v: z.literal(2) })]),
    '"v" must be a text in every member, as z.literal("a")',
  ],
  [
    'sameNames',
    z.enum(['a b', 'a-b']),
    'the values "a b" and "a-b" are both "a_b" in GraphQL: change one',
  ],
  ['endless', endless, 'it nests without end: put an object in between'],
];

test.each(refused)('%s stops the start, told with its place', (_name, schema, message) => {
  const [problem, more] = [
    ...(checkPromptTypes(registryOf(promptWith(z.object({ at: schema })))) as string[]),
  ];
  expect(problem).toMatch(/^plugin "fixture", prompt "odd", variables\.at/);
  expect(problem).toContain(message);
  expect(more).toBeUndefined();
  const output = promptWith(z.object({}), z.object({ at: schema }));
  const [outputProblem] = checkPromptTypes(registryOf(output)) as string[];
  expect(outputProblem).toMatch(/^plugin "fixture", prompt "odd", output\.at/);
});

const problemsOf = (...prompts: Parameters<typeof registryOf>): string[] => {
  try {
    createSchema(registryOf(...prompts));
    return [];
  } catch (error) {
    if (error instanceof StartupError) return [...error.problems];
    throw error;
  }
};

test('the path leads through objects, lists and members of unions', () => {
  const Part = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('a'), big: z.bigint() }),
    z.object({ kind: z.literal('b') }),
  ]);
  const variables = z.object({ options: z.array(z.object({ part: Part.optional() })) });
  expect(problemsOf(promptWith(variables))).toEqual([
    'plugin "fixture", prompt "odd", variables.options[].part(a).big: "bigint" cannot be said in GraphQL: use z.string() for numbers beyond z.int()',
  ]);
});

test('a property must have a GraphQL name', () => {
  expect(problemsOf(promptWith(z.object({ 'max-words': z.int() })))).toEqual([
    'plugin "fixture", prompt "odd", variables.max-words: "max-words" is no GraphQL name: use letters, digits and _, as in max_words',
  ]);
  expect(problemsOf(promptWith(z.object({ __typename: z.string() })))[0]).toContain('__typename');
});

test('a transform has no type to come out as, unless it is piped into one', () => {
  const shout = z.string().transform((text) => text.toUpperCase());
  expect(problemsOf(promptWith(z.object({ text: shout })))).toEqual([]);
  expect(problemsOf(promptWith(z.object({}), z.object({ text: shout })))).toEqual([
    'plugin "fixture", prompt "odd", output.text: the result of a transform has no declared type: end it with .pipe(z.…)',
  ]);
});

test('two types of one name are told before any is made', () => {
  const variables = z.object({
    size: z.enum(['s', 'l']),
    Size: z.enum(['small', 'large']),
  });
  expect(problemsOf(promptWith(variables))).toEqual([
    'plugin "fixture", prompt "odd": its GraphQL type OddVariablesSize is also the name of a type of its own: rename a property',
  ]);
  const one = definePrompt({
    name: 'a',
    description: 'One.',
    variables: z.object({ variables: z.object({ x: z.string() }) }),
    template: 'x',
  });
  const other = definePrompt({
    name: 'a_variables',
    description: 'Another.',
    template: 'x',
    variables: z.object({ x: z.string() }),
  });
  expect(problemsOf(one, other)).toEqual([
    'plugin "fixture", prompt "a_variables": its GraphQL type AVariablesVariables is also the name of a type of plugin "fixture", prompt "a": rename a property',
  ]);
});

test('all problems of all prompts are told at once', () => {
  const first = promptWith(z.object({ at: z.bigint() }));
  const second = definePrompt({ ...first, name: 'odder' });
  expect(problemsOf(first, second)).toHaveLength(2);
});
