import type { ErrorType } from '@anthropic-ai/sdk/resources/shared';

/** The error types of the wire; `request_too_large` (413) is documented but absent from the SDK's union. */
export type WireErrorType = ErrorType | 'request_too_large';

const TYPE_OF_STATUS: Readonly<Record<number, WireErrorType>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  409: 'conflict_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

const MESSAGE_OF_TYPE: Readonly<Partial<Record<WireErrorType, string>>> = {
  authentication_error: 'Invalid bearer token',
  permission_error: 'Your API key does not have permission to use the specified resource.',
  not_found_error: 'Not found',
  request_too_large: 'Request exceeds the maximum size',
  rate_limit_error: 'Number of requests has exceeded your rate limit. Please try again later.',
  overloaded_error: 'Overloaded',
  timeout_error: 'The request timed out',
};

/** The error type the API uses for an HTTP status. */
export function errorTypeOfStatus(status: number): WireErrorType {
  return TYPE_OF_STATUS[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}

/** Default messages of scripted errors. */
export function defaultErrorMessage(type: WireErrorType): string {
  return (
    MESSAGE_OF_TYPE[type] ?? (type === 'api_error' ? 'Internal server error' : 'Invalid request')
  );
}

/** The body of every error: `{type:'error', error:{type, message, details?}, request_id}`. */
export interface ErrorBody {
  type: 'error';
  error: { type: WireErrorType; message: string; details?: Record<string, unknown> };
  request_id: string | null;
}

export function errorBody(
  error: { type: WireErrorType; message: string; details?: Record<string, unknown> | undefined },
  requestId: string | null,
): ErrorBody {
  const { type, message, details } = error;
  return {
    type: 'error',
    error: details === undefined ? { type, message } : { type, message, details },
    request_id: requestId,
  };
}

/** An answer other than 200, thrown by any step before the first byte and written by the server. */
export class ApiError extends Error {
  readonly status: number;
  readonly type: WireErrorType;
  readonly details: Record<string, unknown> | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    options: {
      details?: Record<string, unknown> | undefined;
      headers?: Record<string, string>;
    } = {},
  ) {
    super(message);
    this.status = status;
    this.type = errorTypeOfStatus(status);
    this.details = options.details;
    this.headers = options.headers ?? {};
  }
}

/** A 400 `invalid_request_error`. */
export function invalidRequest(message: string): ApiError {
  return new ApiError(400, message);
}
