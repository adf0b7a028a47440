import type { GraphQLSchema } from 'graphql';
import { StartupError } from '../../kernel/startup-error.ts';

interface PothosExtensions {
  pothosOptions?: { authScopes?: unknown };
}

/** Fields of the roots that do not say who may use them. */
export function fieldsWithoutRule(schema: GraphQLSchema): string[] {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  return roots.flatMap((root) =>
    Object.values(root?.getFields() ?? {})
      .filter(({ extensions }) => !(extensions as PothosExtensions).pothosOptions?.authScopes)
      .map(({ name }) => `${root?.name}.${name}`),
  );
}

/** Throws a `StartupError` when a root field has no rule: a plugin's, or one forgotten here. */
export function checkAccessRules(schema: GraphQLSchema): void {
  const problems = fieldsWithoutRule(schema).map(
    (field) =>
      `${field} does not say who may use it: give the field authScopes: { user: true } or { admin: true }`,
  );
  if (problems.length > 0) throw new StartupError(problems);
}
