import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  type OperationTypeNode,
} from 'graphql';
import { encodeGlobalId } from '../../../src/schema/global-id.ts';
import { runId } from './records.ts';

const scalars: Readonly<Record<string, string>> = {
  Boolean: 'true',
  DateTime: '"2026-01-31T12:00:00Z"',
  Float: '1',
  ID: JSON.stringify(runId),
  Int: '1',
  JSON: '{}',
  String: '"a"',
  USD: '"1"',
};

function sample(type: GraphQLInputType): string {
  if (isNonNullType(type)) return sample(type.ofType);
  if (isListType(type)) return `[${sample(type.ofType)}]`;
  if (isEnumType(type)) return type.getValues()[0]?.name ?? '';
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    const needed = type.isOneOf
      ? fields.filter(({ name }) => name === 'text')
      : fields.filter((field) => isNonNullType(field.type));
    return `{ ${needed.map((field) => `${field.name}: ${sample(field.type)}`).join(', ')} }`;
  }
  return scalars[type.name] ?? 'null';
}

function argumentsOf({ name, args }: GraphQLField<unknown, unknown>): string {
  if (name === 'node') return `(id: "${encodeGlobalId('Document', runId)}")`;
  const needed = args.filter((argument) => isNonNullType(argument.type));
  const listed = needed.map((argument) => `${argument.name}: ${sample(argument.type)}`);
  return listed.length > 0 ? `(${listed.join(', ')})` : '';
}

export interface RootField {
  kind: OperationTypeNode;
  name: string;
  /** A valid operation that asks for nothing but this field. */
  source: string;
  authScopes: unknown;
}

/** Every field of the roots, each with a valid operation. */
export function rootFields(schema: GraphQLSchema): RootField[] {
  const kinds = ['query', 'mutation', 'subscription'] as OperationTypeNode[];
  return kinds.flatMap((kind) =>
    Object.values(schema.getRootType(kind)?.getFields() ?? {}).map((field) => {
      const selection = isCompositeType(getNamedType(field.type)) ? ' { __typename }' : '';
      const source = `${kind} { ${field.name}${argumentsOf(field)}${selection} }`;
      const options = field.extensions['pothosOptions'] as { authScopes?: unknown } | undefined;
      return { kind, name: field.name, source, authScopes: options?.authScopes };
    }),
  );
}
