/**
 * A tool call's input from the JSON that came for it: an object, or undefined when the JSON is truncated, broken or
 * something else than an object. Nothing is repaired. No JSON at all is an empty object, as providers mean it.
 */
export function parseToolInput(json: string): Record<string, unknown> | undefined {
  if (json.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
