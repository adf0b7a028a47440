const longest = 300;

/** Why it failed, in one line: `fetch` and the SDK keep the true reason in the causes. */
export function reasonOf(error: unknown): string {
  const messages: string[] = [];
  for (let at = error; at instanceof Error && messages.length < 4; at = at.cause) {
    messages.push(at.message || (at as NodeJS.ErrnoException).code || at.name);
  }
  const line = (messages.join(': ') || String(error)).replaceAll(/\s+/g, ' ').trim();
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
}
