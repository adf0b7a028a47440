import { type ExecutionResult, type GraphQLSchema, graphql, parse, subscribe } from 'graphql';
import type { Caller } from '../../../src/kernel/access/principal.ts';
import { createContext } from '../../../src/schema/context.ts';
import { type FakeRooms, fakeRooms } from './fake-services.ts';

export const user: Caller = {
  userId: 'ada',
  groups: [],
  roles: ['USER'],
  apiKeyId: null,
  requestId: 'request-1',
};
export const admin: Caller = { ...user, userId: 'root', roles: ['ADMIN'] };

export interface Request {
  source: string;
  variables?: Record<string, unknown>;
  services?: FakeRooms;
  /** An ordinary user when left out. */
  caller?: Caller | null;
  disconnected?: AbortSignal;
}

type Data = Record<string, unknown>;
export type Result = ExecutionResult<Data>;

const contextOf = ({ services, caller = user, disconnected }: Request) =>
  createContext(fakeRooms(services), caller, { disconnected });

/** Runs a query or mutation. The result is plain JSON, as a client has it. */
export async function execute(schema: GraphQLSchema, request: Request): Promise<Result> {
  const { source, variables: variableValues } = request;
  const contextValue = contextOf(request);
  const result = await graphql({
    schema,
    source,
    contextValue,
    ...(variableValues ? { variableValues } : {}),
  });
  return JSON.parse(JSON.stringify(result));
}

/** Opens a subscription: its stream of results, or the errors that kept it from starting. */
export async function open(
  schema: GraphQLSchema,
  request: Request,
): Promise<AsyncGenerator<Result> | Result> {
  const { source, variables: variableValues } = request;
  return (await subscribe({
    schema,
    document: parse(source),
    contextValue: contextOf(request),
    ...(variableValues ? { variableValues } : {}),
  })) as AsyncGenerator<Result> | Result;
}

/** `open`, for a subscription that starts. */
export async function stream(
  schema: GraphQLSchema,
  request: Request,
): Promise<AsyncGenerator<Result>> {
  const opened = await open(schema, request);
  if (Symbol.asyncIterator in opened) return opened;
  throw new Error(JSON.stringify(opened));
}

/** Codes in `errors[].extensions.code`. */
export const codesOf = ({ errors = [] }: Result): unknown[] =>
  errors.map(({ extensions }) => extensions?.['code']);
