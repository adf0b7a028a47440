import { GraphQLError } from 'graphql';
import type { Issue } from '../../kernel/errors.ts';

/** The request has no valid credentials. */
export const unauthenticated = (): GraphQLError =>
  new GraphQLError('Sign in first: send a valid key as "authorization: Bearer …".', {
    extensions: { code: 'UNAUTHENTICATED' },
  });

/** Not with this role, or another user's data asked for by name. */
export const forbidden = (message = 'Your key does not allow this.'): GraphQLError =>
  new GraphQLError(message, { extensions: { code: 'FORBIDDEN' } });

/** The request is malformed; each issue names the place and the change to make. */
export const badUserInput = (issues: readonly Issue[]): GraphQLError => {
  const text = issues.map(({ path, message }) =>
    [path.join('.'), message].filter(Boolean).join(': '),
  );
  return new GraphQLError(text.join('; '), { extensions: { code: 'BAD_USER_INPUT', issues } });
};

/** The operation would read or start too much at once. */
export const operationTooExpensive = (message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code: 'OPERATION_TOO_EXPENSIVE' } });
