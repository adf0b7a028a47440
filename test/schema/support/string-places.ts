import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql';

/** An operation that brings any text to one place of one root field's arguments, all else being valid. */
export interface StringPlace {
  /** `Mutation.scoreRun(input.comment)` */
  name: string;
  source: string;
  variables(text: string): Record<string, unknown>;
}

interface Place {
  path: string;
  value(text: string): unknown;
}

/** So that what is looked up is found, and the text gets as far as it can. */
const known: Readonly<Record<string, string>> = { agent: 'researcher', prompt: 'summarization' };

const scalars: Readonly<Record<string, unknown>> = {
  Boolean: false,
  DateTime: '2100-01-31T12:00:00Z',
  Float: 1,
  Int: 1,
  JSON: {},
  USD: '1',
  ID: '0190a000-0000-7000-8000-000000000000',
};

function sample(type: GraphQLInputType, name: string): unknown {
  if (isNonNullType(type)) return sample(type.ofType, name);
  if (isListType(type)) return [sample(type.ofType, name)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (!isInputObjectType(type)) return scalars[type.name] ?? known[name] ?? 'a';
  return type.isOneOf ? { text: 'a' } : needed(Object.values(type.getFields()));
}

const needed = (inputs: readonly (GraphQLArgument | GraphQLInputField)[]) =>
  Object.fromEntries(
    inputs
      .filter(({ type }) => isNonNullType(type))
      .map(({ name, type }) => [name, sample(type, name)]),
  );

function placesIn(type: GraphQLInputType): Place[] {
  if (isNonNullType(type)) return placesIn(type.ofType);
  if (isListType(type)) {
    return placesIn(type.ofType).map(({ path, value }) => ({
      path,
      value: (text) => [value(text)],
    }));
  }
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    return placesOf(fields, type.isOneOf ? {} : needed(fields));
  }
  if (type.name === 'JSON') return [{ path: '', value: (text) => ({ text, [text]: 1 }) }];
  return ['String', 'ID'].includes(type.name) ? [{ path: '', value: (text) => text }] : [];
}

const placesOf = (
  inputs: readonly (GraphQLArgument | GraphQLInputField)[],
  others: Record<string, unknown>,
): { path: string; value(text: string): Record<string, unknown> }[] =>
  inputs.flatMap(({ name, type }) =>
    placesIn(type).map(({ path, value }) => ({
      path: path ? `${name}.${path}` : name,
      value: (text) => ({ ...others, [name]: value(text) }),
    })),
  );

/** Every place of the queries' and mutations' arguments where a client may write text. */
export function stringPlaces(schema: GraphQLSchema): StringPlace[] {
  return [schema.getQueryType()!, schema.getMutationType()!].flatMap((root) =>
    Object.values(root.getFields()).flatMap(({ name, args, type }) => {
      const declared = args.map((argument) => `$${argument.name}: ${argument.type}`).join(', ');
      const passed = args.map((argument) => `${argument.name}: $${argument.name}`).join(', ');
      const selection = isCompositeType(getNamedType(type)) ? ' { __typename }' : '';
      const source = `${root.name.toLowerCase()} (${declared}) { ${name}(${passed})${selection} }`;
      return placesOf(args, needed(args)).map(({ path, value }) => ({
        name: `${root.name}.${name}(${path})`,
        source,
        variables: value,
      }));
    }),
  );
}
