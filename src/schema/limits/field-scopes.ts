import type { GraphQLSchema } from 'graphql';

interface PothosExtensions {
  pothosOptions?: { authScopes?: unknown };
}

export interface FieldScopes {
  /** As `Query.run`. */
  field: string;
  /** Names of the access rules, any one of which admits; empty where the field has none. */
  scopes: string[];
}

/** The fields of the roots with their access rules, in the order of the schema. */
export function fieldScopes(schema: GraphQLSchema): FieldScopes[] {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  return roots.flatMap((root) =>
    Object.values(root?.getFields() ?? {}).map(({ name, extensions }) => {
      const rules = (extensions as PothosExtensions).pothosOptions?.authScopes;
      const scopes = Object.entries(rules ?? {}).flatMap(([scope, on]) => (on ? scope : []));
      return { field: `${root?.name}.${name}`, scopes };
    }),
  );
}
