/** Why a command cannot go on, told to the person as it is: one line that says what to do. */
export class CliError extends Error {
  override name = 'CliError';
  /** HTTP status of the answer that it comes from. */
  readonly status: number | null;

  constructor(message: string, { status = null, ...options }: CliErrorOptions = {}) {
    super(message, options);
    this.status = status;
  }
}

interface CliErrorOptions extends ErrorOptions {
  status?: number | null;
}
