import { readFileSync } from 'node:fs';
import {
  buildSchema,
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isSpecifiedScalarType,
  isUnionType,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { createSchema } from '../../src/schema/create-schema.ts';
import { registryWith } from './support/registry-with.ts';

/** Of the contract, what is not built yet, as `Type` or `Type.field`: this list only shrinks. */
const notYet: readonly string[] = [];

/** Descriptions of the contract that speak of more than the one thing they stand at. */
const generalDescriptions: readonly string[] = ['BudgetExceededError'];

/** Descriptions of the contract that the schema says in plainer words, or of more roles. */
const rewordedDescriptions: readonly string[] = [
  'Error',
  'RunEvent',
  'RunOptions.subject',
  'RunOptions.onDisconnect',
  'Query.renderPrompt',
  'Query.serverStatus',
];
const ownDescriptions = [...generalDescriptions, ...rewordedDescriptions];

interface Documented {
  description?: string | null | undefined;
}

/** What a type promises, one line each, without what an addition would change. */
function* promisesOf(type: GraphQLNamedType): Iterable<string> {
  yield type.name;
  if (isObjectType(type) || isInterfaceType(type)) {
    for (const { name } of type.getInterfaces()) yield `${type.name} implements ${name}`;
    for (const field of Object.values(type.getFields())) {
      yield `${type.name}.${field.name}: ${field.type}`;
      for (const argument of field.args) {
        yield `${type.name}.${field.name}(${argument.name}: ${argument.type})`;
      }
    }
  } else if (isInputObjectType(type)) {
    if (type.isOneOf) yield `${type.name} @oneOf`;
    for (const field of Object.values(type.getFields())) {
      yield `${type.name}.${field.name}: ${field.type}`;
    }
  } else if (isEnumType(type)) {
    for (const value of type.getValues()) yield `${type.name}.${value.name}`;
  } else if (isUnionType(type)) {
    for (const member of type.getTypes()) yield `${type.name} = ${member.name}`;
  }
}

function* descriptionsOf(type: GraphQLNamedType): Iterable<string> {
  const tell = (place: string, { description }: Documented) => `${place}: ${description ?? ''}`;
  yield tell(type.name, type);
  if (isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)) {
    for (const field of Object.values(type.getFields())) {
      yield tell(`${type.name}.${field.name}`, field);
    }
  }
}

const contract = buildSchema(readFileSync('test/contract.graphql', 'utf8'));
const contractTypes = Object.values(contract.getTypeMap()).filter(
  (type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type),
);
const schema = createSchema(registryWith());
const builtTypes = Object.values(schema.getTypeMap());
const isDue = (promise: string): boolean =>
  !notYet.some((name) => promise === name || new RegExp(`^${name}\\b`).test(promise));

describe('the public contract', () => {
  test('stands in the built schema with every name, type and nullability', () => {
    const built = new Set(builtTypes.flatMap((type) => [...promisesOf(type)]));
    const promised = contractTypes.flatMap((type) => [...promisesOf(type)]).filter(isDue);
    expect(promised.length).toBeGreaterThan(700);
    expect(promised.filter((promise) => !built.has(promise))).toEqual([]);
  });

  test('has its descriptions in the built schema, word for word', () => {
    const built = new Set(builtTypes.flatMap((type) => [...descriptionsOf(type)]));
    const promised = contractTypes
      .flatMap((type) => [...descriptionsOf(type)])
      .filter((line) => !line.endsWith(': ') && isDue(line))
      .filter((line) => !ownDescriptions.includes(line.split(':')[0] ?? ''));
    expect(promised.length).toBeGreaterThan(40);
    expect(promised.filter((line) => !built.has(line))).toEqual([]);
  });

  test('adds no required argument or input field to what the contract has', () => {
    const required = (type: GraphQLNamedType): string[] => {
      if (isInputObjectType(type)) {
        return Object.values(type.getFields())
          .filter((field) => String(field.type).endsWith('!'))
          .map((field) => `${type.name}.${field.name}`);
      }
      if (!isObjectType(type)) return [];
      return Object.values(type.getFields()).flatMap((field) =>
        field.args
          .filter((argument) => String(argument.type).endsWith('!'))
          .map((argument) => `${type.name}.${field.name}(${argument.name})`),
      );
    };
    const allowed = new Set(contractTypes.flatMap(required));
    const names = new Set(contractTypes.map(({ name }) => name));
    const added = builtTypes.filter(({ name }) => names.has(name)).flatMap(required);
    // A field that the contract does not know may ask for what it needs.
    const isOfNewField = (place: string) => {
      const [, type, field] = /^(\w+)\.(\w+)\(/.exec(place) ?? [];
      const known = contractTypes.find(({ name }) => name === type);
      return isObjectType(known) && field !== undefined && !(field in known.getFields());
    };
    expect(added.filter((place) => !allowed.has(place) && !isOfNewField(place))).toEqual([]);
  });
});
