import type { BudgetPeriod, BudgetScope } from './budget.ts';

/** One problem at one place of an input: `path` from the outside in, `message` says what to do. */
export interface Issue {
  path: string[];
  message: string;
}

interface NoDetails {
  [detail: string]: never;
}

/** What each error tells beyond its message. The keys are the codes of the public schema's `ErrorCode`. */
export interface ErrorDetails {
  BUDGET_EXCEEDED: {
    /** The budget that has no room, as it stood then. A `maxCost` shows as one with the run or token as id and subject. */
    budget: {
      id: string;
      /** Left out in errors that were stored before budgets had scopes. */
      scope?: BudgetScope;
      subject: string;
      period: BudgetPeriod;
      limit: string;
      spent: string;
      held: string;
      /** ISO 8601. */
      resetsAt: string;
    };
    /** US dollars, exact decimal strings. */
    remaining: string;
    estimated: string;
    heldByOthers: string;
  };
  PROMPT_NOT_FOUND: NoDetails;
  PROMPT_VARIABLES_INVALID: { issues: Issue[] };
  TEMPLATE_INVALID: { issues: Issue[] };
  EXPERIMENT_INVALID: { issues: Issue[] };
  MODEL_NOT_FOUND: NoDetails;
  MODEL_RATE_LIMITED: { retryAfterMs?: number };
  MODEL_OVERLOADED: { retryAfterMs?: number };
  MODEL_TIMEOUT: NoDetails;
  MODEL_UNAVAILABLE: NoDetails;
  /** `tooLong`: the provider found no room for the request in the model's window. */
  MODEL_REFUSED: { tooLong?: boolean };
  OUTPUT_INVALID: { text: string; issues: Issue[] };
  COLLECTION_NOT_FOUND: NoDetails;
  EMBEDDING_UNAVAILABLE: NoDetails;
  AGENT_NOT_FOUND: NoDetails;
  MAX_TURNS_EXCEEDED: NoDetails;
  APPROVAL_CONFLICT: NoDetails;
  RUN_NOT_FOUND: NoDetails;
  RUN_CANCELLED: NoDetails;
  RUN_INTERRUPTED: NoDetails;
  NOT_FOUND: NoDetails;
  CONFLICT: NoDetails;
  /** The caller's roles or scopes do not allow it. */
  FORBIDDEN: NoDetails;
  /** A limit of the caller's key is reached. */
  RATE_LIMITED: { retryAfterMs?: number };
}

export type ErrorCode = keyof ErrorDetails;

/** Every code, with whether the same call may succeed later without being changed (unless the thrower knows better). */
export const errorCodes: Readonly<Record<ErrorCode, { retryable: boolean }>> = {
  BUDGET_EXCEEDED: { retryable: false },
  PROMPT_NOT_FOUND: { retryable: false },
  PROMPT_VARIABLES_INVALID: { retryable: false },
  TEMPLATE_INVALID: { retryable: false },
  EXPERIMENT_INVALID: { retryable: false },
  MODEL_NOT_FOUND: { retryable: false },
  MODEL_RATE_LIMITED: { retryable: true },
  MODEL_OVERLOADED: { retryable: true },
  MODEL_TIMEOUT: { retryable: true },
  MODEL_UNAVAILABLE: { retryable: true },
  MODEL_REFUSED: { retryable: false },
  OUTPUT_INVALID: { retryable: true },
  COLLECTION_NOT_FOUND: { retryable: false },
  EMBEDDING_UNAVAILABLE: { retryable: true },
  AGENT_NOT_FOUND: { retryable: false },
  MAX_TURNS_EXCEEDED: { retryable: false },
  APPROVAL_CONFLICT: { retryable: false },
  RUN_NOT_FOUND: { retryable: false },
  RUN_CANCELLED: { retryable: false },
  RUN_INTERRUPTED: { retryable: true },
  NOT_FOUND: { retryable: false },
  CONFLICT: { retryable: false },
  FORBIDDEN: { retryable: false },
  RATE_LIMITED: { retryable: true },
};

/** A `DomainError` as data: what a run's row keeps and the API answers. */
export interface StoredError<Code extends ErrorCode = ErrorCode> {
  code: Code;
  message: string;
  retryable: boolean;
  details: ErrorDetails[Code];
}

interface DomainErrorOptions<Code extends ErrorCode> {
  details?: ErrorDetails[Code];
  retryable?: boolean;
  cause?: unknown;
}

/**
 * What a caller can act on: it surfaces as a member of a result union, its message is shown to people and says what
 * to do, and it never carries a provider's raw body, SQL or a path. Anything else that is thrown is masked and logged.
 */
export class DomainError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'DomainError';
  readonly code: Code;
  readonly retryable: boolean;
  readonly details: ErrorDetails[Code];

  constructor(code: Code, message: string, options: DomainErrorOptions<Code> = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.retryable = options.retryable ?? errorCodes[code].retryable;
    this.details = options.details ?? ({} as ErrorDetails[Code]);
  }

  toJSON(): StoredError<Code> {
    return {
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      details: this.details,
    };
  }

  static fromJSON(stored: StoredError): DomainError {
    const { code, message, retryable, details } = stored;
    return new DomainError(code, message, { retryable, details });
  }
}

/** Narrows an unknown to a `DomainError`, of the given code if one is given. */
export function isDomainError<Code extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: Code,
): error is DomainError<Code> {
  return error instanceof DomainError && (code === undefined || error.code === code);
}
