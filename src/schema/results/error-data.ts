import type { ErrorCode, ErrorDetails, StoredError } from '../../kernel/errors.ts';

type Pascal<Code extends string> = Code extends `${infer Head}_${infer Tail}`
  ? `${Capitalize<Lowercase<Head>>}${Pascal<Tail>}`
  : Capitalize<Lowercase<Code>>;

/** BUDGET_EXCEEDED → BudgetExceededError: the GraphQL type of an error code. */
export type ErrorTypeName<Code extends ErrorCode = ErrorCode> = Code extends ErrorCode
  ? `${Pascal<Code>}Error`
  : never;

export function errorTypeName<Code extends ErrorCode>(code: Code): ErrorTypeName<Code> {
  const words = code.split('_').map((word) => word.charAt(0) + word.slice(1).toLowerCase());
  return `${words.join('')}Error` as ErrorTypeName<Code>;
}

/** A domain error on its way to the client: a member of a result union, or a run's `error`. */
export class ErrorData<Code extends ErrorCode = ErrorCode> {
  readonly code: Code;
  readonly message: string;
  readonly retryable: boolean;
  readonly details: ErrorDetails[Code];
  /** The run that failed, where one is known. */
  readonly runId: string | null;

  constructor(error: StoredError<Code>, runId: string | null = null) {
    this.code = error.code;
    this.message = error.message;
    this.retryable = error.retryable;
    this.details = error.details;
    this.runId = runId;
  }
}

/** Errors of several codes, discriminated by `code`. */
export type ErrorDataOf<Code extends ErrorCode> = Code extends ErrorCode ? ErrorData<Code> : never;
