import type { GraphQLSchema } from 'graphql';
import { StartupError } from '../../kernel/startup-error.ts';
import { fieldScopes } from './field-scopes.ts';

/**
 * Throws a `StartupError` when a root field has no access rule: a plugin's, or one forgotten here. `explain` names the
 * plugin in a problem.
 */
export function checkAccessRules(
  schema: GraphQLSchema,
  explain: (problem: string) => string,
): void {
  const problems = fieldScopes(schema)
    .filter(({ scopes }) => scopes.length === 0)
    .map(
      ({ field }) =>
        `${field} does not say who may use it: give the field authScopes: { user: true }, { admin: true } or another rule of docs/access.md`,
    );
  if (problems.length > 0) throw new StartupError(problems.map(explain));
}
