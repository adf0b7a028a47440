import type { DomainError } from '../../../kernel/errors.ts';
import type { Log } from '../../../kernel/log.ts';
import type { ErrorBody } from '../error-body.ts';
import {
  isTooLongReason,
  kindOfStatus,
  type ProviderFailureKind,
  providerError,
  readRetryAfter,
} from '../provider-error.ts';
import { shownReason } from '../shown-reason.ts';

/** Their codes and types, where they say more than the status. */
const kinds: Readonly<Record<string, ProviderFailureKind>> = {
  insufficient_quota: 'billing',
  billing_hard_limit_reached: 'billing',
  rate_limit_exceeded: 'rate_limited',
  invalid_api_key: 'key_rejected',
  model_not_found: 'model_unknown',
  context_length_exceeded: 'request_too_long',
  exceed_context_size_error: 'request_too_long',
  invalid_request_error: 'request_invalid',
  server_error: 'unavailable',
  overloaded_error: 'overloaded',
};

export interface OpenAiFailure {
  provider: string;
  model: string;
  /** Absent for an error inside a stream. */
  status?: number;
  body: ErrorBody;
  header?: (name: string) => string | null;
  log: Log;
  /** Secrets of ours that the server may repeat. */
  secrets: readonly string[];
}

/** The typed error for an error answer, or for an error inside a stream. The server's own reason is logged and shown. */
export function openAiError(failure: OpenAiFailure): DomainError {
  const { provider, model, body, header = () => null, log, secrets } = failure;
  const reason = shownReason(body.message, secrets);
  const status = failure.status ?? body.status ?? undefined;
  log.warn({ provider, model, status, type: body.codes[0], reason }, 'a model provider failed');
  const kind = kindOf(body, status);
  const retryAfterMs = readRetryAfter(header);
  return providerError({ kind, provider, model, retryAfterMs, reason });
}

function kindOf({ codes, message }: ErrorBody, status: number | undefined): ProviderFailureKind {
  const known = codes.map((code) => kinds[code]).find((kind) => kind !== undefined);
  const byStatus = status === undefined ? 'unavailable' : kindOfStatus(status);
  // 401, 403, 404 and 429 are clearer than a type that only says "invalid_request_error".
  const kind =
    known === undefined || (known === 'request_invalid' && status !== undefined) ? byStatus : known;
  if (kind === 'request_invalid' || kind === 'unavailable') {
    if (isTooLongReason(message)) return 'request_too_long';
  }
  return status === 503 && kind === 'unavailable' ? 'overloaded' : kind;
}
