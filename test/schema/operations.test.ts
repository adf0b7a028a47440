import { readdirSync, readFileSync } from 'node:fs';
import { buildSchema, Kind, parse, validate } from 'graphql';
import { expect, expectTypeOf, test } from 'vitest';
import type {
  ClassifySentimentMutation,
  ClassifySentimentMutationVariables,
  CompleteMutationVariables,
  CostStatsQuery,
  ToolsQuery,
} from '../../src/generated/gql/graphql.ts';

const folder = 'test/operations';
const sources = readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, 'utf8'));
const document = parse(sources.join('\n'));

test('every operation fits the schema', () => {
  const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));
  expect(validate(schema, document).map(({ message }) => message)).toEqual([]);
});

test('every root field of the contract has an operation', () => {
  const contract = buildSchema(readFileSync('test/contract.graphql', 'utf8'));
  const asked = new Set(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.OPERATION_DEFINITION
        ? definition.selectionSet.selections.map((selection) =>
            selection.kind === Kind.FIELD
              ? `${definition.operation} ${selection.name.value}`
              : definition.operation,
          )
        : [],
    ),
  );
  const roots = {
    query: contract.getQueryType(),
    mutation: contract.getMutationType(),
    subscription: contract.getSubscriptionType(),
  };
  const fields = Object.entries(roots).flatMap(([kind, type]) =>
    Object.keys(type?.getFields() ?? {}).map((name) => `${kind} ${name}`),
  );
  expect(fields.length).toBe(39);
  expect(fields.filter((field) => !asked.has(field))).toEqual([]);
});

test('a prompt is typed from its zod schema to the generated client', () => {
  type Completion = Extract<
    ClassifySentimentMutation['classifySentiment'],
    { __typename: 'ClassifySentimentCompletion' }
  >;
  expectTypeOf<Completion['output']['sentiment']>().toEqualTypeOf<
    'negative' | 'neutral' | 'positive'
  >();
  expectTypeOf<ClassifySentimentMutationVariables['variables']>()
    .toHaveProperty('text')
    .toEqualTypeOf<string>();
  // @ts-expect-error the text is a string
  expectTypeOf<ClassifySentimentMutationVariables['variables']>().toMatchTypeOf<{ text: number }>();
  type Prompt = CompleteMutationVariables['input']['prompt'];
  expectTypeOf<Extract<Prompt, { classifySentiment: object }>>().not.toBeNever();
});

test('scalars are what JSON carries', () => {
  expectTypeOf<CostStatsQuery['costStats']['totalCost']>().toEqualTypeOf<string>();
  expectTypeOf<CostStatsQuery['costStats']['series'][number]['start']>().toEqualTypeOf<string>();
  expectTypeOf<ToolsQuery['tools'][number]['inputSchema']>().toEqualTypeOf<unknown>();
});
