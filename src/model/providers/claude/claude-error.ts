import { APIConnectionError, APIConnectionTimeoutError, APIError } from '@anthropic-ai/sdk';
import { type DomainError, isDomainError } from '../../../kernel/errors.ts';
import type { Log } from '../../../kernel/log.ts';
import {
  kindOfStatus,
  type ProviderFailureKind,
  providerError,
  readRetryAfter,
} from '../provider-error.ts';

const kinds: Readonly<Record<string, ProviderFailureKind>> = {
  invalid_request_error: 'request_invalid',
  request_too_large: 'request_too_long',
  authentication_error: 'key_rejected',
  permission_error: 'key_rejected',
  billing_error: 'billing',
  not_found_error: 'model_unknown',
  rate_limit_error: 'rate_limited',
  timeout_error: 'timed_out',
  overloaded_error: 'overloaded',
  conflict_error: 'unavailable',
  api_error: 'unavailable',
};

/** Only the words tell it from any other invalid request. */
const isTooLong = /^prompt is too long|exceed context limit/i;

/**
 * Translates whatever the SDK throws. An `error` event inside a stream has a type but no status, a proxy's page has a
 * status but no type, so both are asked, the type first.
 */
export function claudeError(
  error: unknown,
  { model, log }: { model: string; log: Log },
): DomainError {
  if (isDomainError(error)) return error;
  const provider = 'Claude';
  if (error instanceof APIConnectionTimeoutError) {
    return providerError({ kind: 'timed_out', provider, model });
  }
  if (error instanceof APIConnectionError) {
    log.warn({ model, cause: nameOf(error.cause) }, 'connection to Claude failed');
    return providerError({ kind: 'unreachable', provider, model });
  }
  if (!(error instanceof APIError)) {
    log.warn({ model, cause: nameOf(error) }, 'stream from Claude broke');
    return providerError({ kind: 'broken_stream', provider, model });
  }
  const { status, type, requestID, apiMessage, headers } = error;
  log.warn({ model, status, type, providerRequestId: requestID }, 'Claude answered with an error');
  const known = kinds[type ?? ''] ?? (status === undefined ? 'unavailable' : kindOfStatus(status));
  const kind =
    known === 'request_invalid' && isTooLong.test(apiMessage ?? '') ? 'request_too_long' : known;
  const retryAfterMs = readRetryAfter((name) => headers?.get(name));
  const word = headers?.get('x-should-retry');
  const retryable = word === 'false' ? false : undefined;
  return providerError({ kind, provider, model, retryAfterMs, explanation: apiMessage, retryable });
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code = 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : error.name;
}
