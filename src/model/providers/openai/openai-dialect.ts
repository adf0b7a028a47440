import type { ErrorBody } from '../error-body.ts';

/** How one server wants its requests for one model. */
export interface OpenAiDialect {
  /** "max_completion_tokens" as OpenAI wants it now, or "max_tokens" as most compatible servers do. */
  maxTokensField: 'max_completion_tokens' | 'max_tokens';
  /** Ask for usage in the stream. */
  streamOptions: boolean;
  /** Mistral's servers take ids of nine letters and digits only. */
  toolCallIds: 'any' | 'short';
  /** Send thinking and signatures back as they came. */
  extras: boolean;
}

const refusal =
  /unsupported|not supported|unrecogni[sz]ed|unknown|unexpected|not permitted|not allowed|forbidden|extra (inputs?|fields?)|invalid|deprecated|\binstead\b/i;

/** The field is known, and its value refused. */
const badValue = /too (large|big|high|small)|at most|at least|less than|greater than|exceed/i;

/**
 * The dialect for another try, after a server refused a request with this error; null when the error is no matter of
 * dialect, so that trying again is of no use.
 */
export function adaptDialect(dialect: OpenAiDialect, error: ErrorBody): OpenAiDialect | null {
  const said = `${error.message} ${error.param}`;
  if (!refusal.test(`${said} ${error.codes.join(' ')}`)) return null;
  const field = otherTokensField(dialect.maxTokensField, said);
  if (field) return { ...dialect, maxTokensField: field };
  if (dialect.streamOptions && /stream_options|include_usage/.test(said)) {
    return { ...dialect, streamOptions: false };
  }
  if (dialect.toolCallIds === 'any' && /tool.?call.?id/i.test(said) && /\b9\b/.test(said)) {
    return { ...dialect, toolCallIds: 'short' };
  }
  if (
    dialect.extras &&
    /reasoning_content|reasoning_details|extra_content|\breasoning['"`]/.test(said)
  ) {
    return { ...dialect, extras: false };
  }
  return null;
}

function otherTokensField(
  field: OpenAiDialect['maxTokensField'],
  said: string,
): OpenAiDialect['maxTokensField'] | null {
  const other = field === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens';
  const isMeant = new RegExp(`\\b${field}\\b`).test(said);
  return isMeant && (said.includes(other) || !badValue.test(said)) ? other : null;
}
