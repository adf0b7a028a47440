/** A run that failed, was refused or could not be reached. */
export class RunError extends Error {
  override name = 'RunError';
  /** As the server's `ErrorCode`, or of `errors[].extensions.code`; `CONNECTION_LOST` when no server could be reached. */
  readonly code: string;
  readonly runId: string | null;
  /** The text that had come. */
  readonly text: string;
  /** True when the same call may succeed later. */
  readonly retryable: boolean;

  constructor(
    message: string,
    details: { code: string; runId?: string | null; text?: string; retryable?: boolean },
  ) {
    super(message);
    this.code = details.code;
    this.runId = details.runId ?? null;
    this.text = details.text ?? '';
    this.retryable = details.retryable ?? false;
  }
}
