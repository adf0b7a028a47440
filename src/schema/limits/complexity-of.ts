import { complexityFromQuery } from '@pothos/plugin-complexity';
import type { DocumentNode, GraphQLSchema } from 'graphql';

interface Operation {
  schema: GraphQLSchema;
  variables: Readonly<Record<string, unknown>> | null | undefined;
  context: object;
}

/** The complexity of an operation, as its limit counts it. */
export const complexityOf = (
  document: DocumentNode,
  { schema, variables, context }: Operation,
): number =>
  complexityFromQuery(document, { schema, ctx: context, variables: { ...variables } }).complexity;
