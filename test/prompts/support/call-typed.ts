import type { TypedDocumentString } from '../../../src/generated/gql/graphql.ts';
import type { TestServer } from '../../support/start-test-server.ts';

export type CallTyped = <Result, Variables extends object>(
  operation: TypedDocumentString<Result, Variables>,
  variables: Variables,
  options?: { as: string },
) => Promise<Result>;

/** Executes generated operations, as a client that uses them does: variables and data are of the generated types. */
export const callTyped =
  (server: TestServer): CallTyped =>
  (operation, variables, options) =>
    server.data(operation.toString(), variables, options);
