const longest = 10_000;

/** Message of anything thrown, at most 10,000 characters. Never throws itself. */
export function messageOf(error: unknown): string {
  try {
    const message = String(error instanceof Error ? error.message : error);
    return message.slice(0, longest).toWellFormed();
  } catch {
    return 'what was thrown has no message';
  }
}
