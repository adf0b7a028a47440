import { APIConnectionError, APIConnectionTimeoutError, APIError } from '@anthropic-ai/sdk';
import { type DomainError, isDomainError } from '../../../kernel/errors.ts';
import type { Log } from '../../../kernel/log.ts';
import { type ErrorBody, errorBody, unknownErrorBody } from '../error-body.ts';
import {
  isTooLongReason,
  kindOfStatus,
  type ProviderFailureKind,
  providerError,
  readRetryAfter,
} from '../provider-error.ts';
import { shownReason } from '../shown-reason.ts';

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

export interface ClaudeErrorContext {
  model: string;
  log: Log;
  /** The key, which a proxy may repeat. */
  secrets: readonly string[];
}

/** Translates what the SDK throws, and what reading the stream throws. */
export function claudeError(error: unknown, context: ClaudeErrorContext): DomainError {
  if (isDomainError(error)) return error;
  const { model, log, secrets } = context;
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
  const { status, requestID, headers } = error;
  const body = errorBody(error.error, { failed: true }) ?? unknownErrorBody;
  const kind = kindOf(body, status);
  const reason = shownReason(body.message, secrets);
  log.warn(
    { model, status, type: body.codes[0], providerRequestId: requestID, reason },
    'Claude answered with an error',
  );
  const retryAfterMs = readRetryAfter((name) => headers?.get(name));
  const retryable = headers?.get('x-should-retry') === 'false' ? false : undefined;
  return providerError({
    kind,
    provider,
    model,
    retryAfterMs,
    reason: isShown(kind, body) ? reason : undefined,
    retryable,
  });
}

/** The error for an error event inside a stream, which has no status of its own. */
export function claudeStreamError(
  body: ErrorBody,
  { model, log, secrets }: ClaudeErrorContext,
): DomainError {
  const reason = shownReason(body.message, secrets);
  log.warn({ model, type: body.codes[0], reason }, 'Claude sent an error in its stream');
  const kind = kindOf(body, body.status ?? undefined);
  const shown = isShown(kind, body) ? reason : undefined;
  return providerError({ kind, provider: 'Claude', model, reason: shown });
}

/** Our own sentence says as much as Claude's, but for a request that is at fault and for the errors of other servers. */
const isShown = (kind: ProviderFailureKind, { codes }: ErrorBody): boolean =>
  kind === 'request_invalid' || kind === 'request_too_long' || !codes.some((code) => code in kinds);

/** A proxy's page has a status but no type, an event has a type but no status: both are asked, the type first. */
function kindOf({ codes, message }: ErrorBody, status: number | undefined): ProviderFailureKind {
  const byCode = codes.map((code) => kinds[code]).find((kind) => kind !== undefined);
  const known = byCode ?? (status === undefined ? 'unavailable' : kindOfStatus(status));
  const mayBeTooLong = known === 'request_invalid' || (known === 'unavailable' && !byCode);
  return mayBeTooLong && isTooLongReason(message) ? 'request_too_long' : known;
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code = 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : error.name;
}
