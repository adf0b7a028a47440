/**
 * The server cannot start as it is configured. The message lists every problem, one line each, and is meant for the
 * person at the terminal: print it without a stack.
 */
export class StartupError extends Error {
  override readonly name = 'StartupError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options: { cause?: unknown } = {}) {
    super(problems.join('\n'), 'cause' in options ? { cause: options.cause } : undefined);
    this.problems = problems;
  }
}
