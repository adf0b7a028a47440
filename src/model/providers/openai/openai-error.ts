import type { DomainError } from '../../../kernel/errors.ts';
import {
  kindOfStatus,
  type ProviderFailureKind,
  providerError,
  readRetryAfter,
} from '../provider-error.ts';
import { openAiErrorBody } from './openai-chunk.ts';

/** Their codes and types, where they say more than the status. */
const kinds: Readonly<Record<string, ProviderFailureKind>> = {
  insufficient_quota: 'billing',
  billing_hard_limit_reached: 'billing',
  rate_limit_exceeded: 'rate_limited',
  invalid_api_key: 'key_rejected',
  model_not_found: 'model_unknown',
  context_length_exceeded: 'request_too_long',
  invalid_request_error: 'request_invalid',
  server_error: 'unavailable',
  overloaded_error: 'overloaded',
};

export interface OpenAiFailure {
  provider: string;
  model: string;
  /** Absent for an error inside a stream. */
  status?: number;
  /** The error's JSON, if it is any. */
  body: unknown;
  header?: (name: string) => string | null;
}

/** The typed error for an error answer, or an error event of a stream. */
export function openAiError(failure: OpenAiFailure): DomainError {
  const { provider, model, status, body, header = () => null } = failure;
  const said = openAiErrorBody.safeParse(body).data?.error;
  const known = kinds[String(said?.code ?? '')] ?? kinds[said?.type ?? ''];
  const byStatus = status === undefined ? 'unavailable' : kindOfStatus(status);
  // 401, 403, 404 and 429 are clearer than a type that only says "invalid_request_error".
  const kind =
    known === undefined || (known === 'request_invalid' && status !== undefined) ? byStatus : known;
  const busy = status === 503 && kind === 'unavailable' ? 'overloaded' : kind;
  const retryAfterMs = readRetryAfter(header);
  return providerError({ kind: busy, provider, model, retryAfterMs, explanation: said?.message });
}
