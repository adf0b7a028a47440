import { DomainError, type ErrorCode } from '../../kernel/errors.ts';
import { shownReason } from './shown-reason.ts';

/** The kind of a failure, free of any provider's dialect. */
export type ProviderFailureKind =
  | 'rate_limited'
  | 'overloaded'
  | 'timed_out'
  | 'unavailable'
  | 'key_rejected'
  | 'billing'
  | 'model_unknown'
  | 'request_invalid'
  | 'request_too_long'
  | 'unreachable'
  | 'broken_stream'
  | 'answer_too_long';

export interface ProviderFailure {
  kind: ProviderFailureKind;
  /** As people call it: "Claude". */
  provider: string;
  model: string;
  retryAfterMs?: number | undefined;
  /** The provider's own sentence. It is shown, as `shownReason` makes it. */
  reason?: string | undefined;
  /** Secrets of ours that the provider may repeat. */
  secrets?: readonly string[] | undefined;
  /** The provider's own word on whether to try again. */
  retryable?: boolean | undefined;
}

interface Shown {
  code: ErrorCode;
  retryable: boolean;
  message: (failure: ProviderFailure) => string;
}

const refused: Shown = {
  code: 'MODEL_REFUSED',
  retryable: false,
  message: ({ provider }) => `${provider} does not accept this request.`,
};

const shown: Readonly<Record<ProviderFailureKind, Shown>> = {
  rate_limited: {
    code: 'MODEL_RATE_LIMITED',
    retryable: true,
    message: ({ provider, retryAfterMs }) =>
      `${provider} limits how much this server may ask of it. Try again ${waitOf(retryAfterMs)}.`,
  },
  overloaded: {
    code: 'MODEL_OVERLOADED',
    retryable: true,
    message: ({ provider, model }) =>
      `${provider} is too busy to answer with ${model} now. Try again later.`,
  },
  timed_out: {
    code: 'MODEL_TIMEOUT',
    retryable: true,
    message: ({ provider, model }) => `${provider} did not answer with ${model} in time.`,
  },
  unavailable: {
    code: 'MODEL_UNAVAILABLE',
    retryable: true,
    message: ({ provider }) => `${provider} failed to answer. Try again later.`,
  },
  key_rejected: {
    code: 'MODEL_UNAVAILABLE',
    retryable: false,
    message: ({ provider, model }) =>
      `${provider} does not let this server use ${model}. An operator should check its API key and what the key may do.`,
  },
  billing: {
    code: 'MODEL_UNAVAILABLE',
    retryable: false,
    message: ({ provider }) =>
      `${provider} refuses to serve this server's account. An operator should check its billing.`,
  },
  model_unknown: {
    code: 'MODEL_NOT_FOUND',
    retryable: false,
    message: ({ provider, model }) =>
      `${provider} knows no model named ${model}.${prefixHint(provider, model)}`,
  },
  request_invalid: refused,
  request_too_long: refused,
  unreachable: {
    code: 'MODEL_UNAVAILABLE',
    retryable: true,
    message: ({ provider }) => `The connection to ${provider} failed. Try again later.`,
  },
  broken_stream: {
    code: 'MODEL_UNAVAILABLE',
    retryable: true,
    message: ({ provider }) => `${provider} broke off before its answer was complete.`,
  },
  answer_too_long: {
    code: 'MODEL_UNAVAILABLE',
    retryable: false,
    message: ({ provider, model }) =>
      `${provider} sent far more of ${model} than was asked for, and was cut off. Check what serves this model.`,
  },
};

/** Names without a prefix are Claude's, which people who come from elsewhere do not expect. */
const prefixHint = (provider: string, model: string): string =>
  provider !== 'Claude' || model.startsWith('claude')
    ? ''
    : ` Models of other providers are named with their prefix: did you mean openai/${model}?`;

/** The typed error for a provider's failure: a clear sentence, then the provider's own. */
export function providerError(failure: ProviderFailure): DomainError {
  const { code, retryable, message } = shown[failure.kind];
  const { retryAfterMs, kind, provider } = failure;
  const reason = shownReason(failure.reason ?? '', failure.secrets);
  const sentence = reason === '' ? message(failure) : `${message(failure)} ${provider}: ${reason}`;
  const details = kind === 'request_too_long' ? { tooLong: true } : { retryAfterMs };
  return new DomainError(code, sentence, {
    retryable: failure.retryable ?? retryable,
    details: kind === 'request_too_long' || retryAfterMs !== undefined ? details : {},
  });
}

/** Sentences of servers that have no code for a request beyond the model's window. */
const tooLong =
  /context[ _-]?(length|window|size|limit)|maximum (context|prompt|input|sequence) (length|tokens)|(prompt|input|request|messages?) (is |are |was )?(too long|too large)|too many (input |prompt )?tokens|input (length|tokens?)\b.*(exceed|limit|maximum)|exceeds? (the )?(model'?s )?(maximum|max|limit)[^.]*\b(context|input|prompt)|reduce the (length|size) of (the|your)|n_ctx/i;

/** Does the sentence say that the request is too long for the model? */
export const isTooLongReason = (reason: string): boolean => tooLong.test(reason);

const statusKinds: Readonly<Record<number, ProviderFailureKind>> = {
  401: 'key_rejected',
  402: 'billing',
  403: 'key_rejected',
  404: 'model_unknown',
  408: 'timed_out',
  409: 'unavailable',
  429: 'rate_limited',
  504: 'timed_out',
  529: 'overloaded',
};

/** The kind by the HTTP status, where the body says nothing better. */
export function kindOfStatus(status: number): ProviderFailureKind {
  return statusKinds[status] ?? (status >= 500 ? 'unavailable' : 'request_invalid');
}

/** Milliseconds to wait by `retry-after-ms` or `retry-after` (seconds or an HTTP date); undefined when not said. */
export function readRetryAfter(
  header: (name: string) => string | null | undefined,
): number | undefined {
  const milliseconds = Number.parseFloat(header('retry-after-ms') ?? '');
  if (milliseconds >= 0) return Math.ceil(milliseconds);
  const value = header('retry-after');
  if (!value) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : Number.NaN;
  if (seconds >= 0) return Math.ceil(seconds * 1000);
  const until = Date.parse(value) - Date.now();
  return Number.isNaN(until) ? undefined : Math.max(0, until);
}

function waitOf(retryAfterMs: number | undefined): string {
  return retryAfterMs === undefined
    ? 'later'
    : `in ${Math.max(1, Math.ceil(retryAfterMs / 1000))} s`;
}
