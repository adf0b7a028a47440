const frame =
  /(?:\(|\bat |\basync )((?:file:\/\/|\/|[A-Za-z]:\\)[^()\n]*?)(?:\?[^():\n]*)?:\d+:\d+\)?$/gm;

/** The files of an error's stack, nearest first; none for what has no stack. Never throws. */
export function stackFiles(error: unknown): string[] {
  try {
    const stack = error instanceof Error ? String(error.stack) : '';
    return [...stack.matchAll(frame)].map(([, file = '']) => file.replace(/^file:\/\//, ''));
  } catch {
    return [];
  }
}
