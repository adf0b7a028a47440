import { GraphQLError } from 'graphql';

export type RefusalCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'BAD_USER_INPUT'
  | 'RATE_LIMITED'
  | 'OPERATION_TOO_EXPENSIVE'
  | 'SHUTTING_DOWN'
  | 'SLOW_CONSUMER'
  | 'INTERNAL_SERVER_ERROR';

const statusOf: Record<RefusalCode, number> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  BAD_USER_INPUT: 400,
  RATE_LIMITED: 429,
  OPERATION_TOO_EXPENSIVE: 400,
  SHUTTING_DOWN: 503,
  SLOW_CONSUMER: 200,
  INTERNAL_SERVER_ERROR: 500,
};

interface RefusalOptions {
  /** HTTP status, where it is not the code's own. */
  status?: number;
  headers?: Record<string, string>;
  /** More for `extensions`. */
  details?: Record<string, unknown>;
}

/** A request that is refused before anything is executed: an entry of `errors[]`, and an HTTP status. */
export function refusal(
  code: RefusalCode,
  message: string,
  { status = statusOf[code], headers, details }: RefusalOptions = {},
): GraphQLError {
  const http = headers ? { status, headers } : { status };
  return new GraphQLError(message, { extensions: { ...details, code, http } });
}
