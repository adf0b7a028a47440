/** What answers an operation over HTTP, and what can carry a subscription. */
export const answerTypes = [
  'application/graphql-response+json',
  'application/json',
  'text/event-stream',
  'multipart/mixed',
] as const;
export const streamTypes = ['text/event-stream'] as const;

/** Does an `Accept` header allow one of these media types? No header allows all; weights are left aside. */
export function accepts(header: string | undefined, types: readonly string[]): boolean {
  if (!header?.trim()) return true;
  const ranges = header.split(',').map((range) => range.split(';', 1)[0]!.trim().toLowerCase());
  return ranges.some((range) =>
    types.some(
      (type) => range === '*/*' || range === type || range === `${type.split('/', 1)[0]}/*`,
    ),
  );
}
