import {
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
} from 'graphql';
import { expect, test } from 'vitest';
import { builtInSchema } from '../../scripts/built-in-schema.ts';

interface Described {
  name: string;
  description?: string | null;
}

const isRoot = ({ name }: Described): boolean =>
  ['Query', 'Mutation', 'Subscription'].includes(name);

/** A field's argument, but `input`, whose type says everything. */
const argumentsOf = (field: Described & { args?: readonly Described[] }): Described[] =>
  (field.args ?? [])
    .filter(({ name }) => name !== 'input')
    .map(({ name, description }) => ({ name: `${field.name}(${name}:)`, description }));

/** Values of a prompt's enum are data of its schema, which says no more than the value. */
const isOurs = ({ name }: Described): boolean => name === name.toUpperCase();

/** A type and everything in it that a client can write. */
function partsOf(type: GraphQLNamedType): Described[] {
  const within = ({ name, description }: Described): Described => ({
    name: `${type.name}.${name}`,
    description,
  });
  if (isEnumType(type)) return [type, ...type.getValues().filter(isOurs).map(within)];
  if (!isObjectType(type) && !isInterfaceType(type) && !isInputObjectType(type)) return [type];
  const fields = Object.values<Described & { args?: readonly Described[] }>(type.getFields());
  const parts = [...fields, ...fields.flatMap(argumentsOf)].map(within);
  return isRoot(type) ? parts : [type, ...parts];
}

test('every type, field, argument and enum value says what a client needs to know', async () => {
  const schema = await builtInSchema();
  const types = Object.values(schema.getTypeMap()).filter(
    (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
  );
  const parts = types.flatMap(partsOf);
  expect(parts.length).toBeGreaterThan(1_000);
  expect(parts.filter(({ description }) => !description).map(({ name }) => name)).toEqual([]);
});
