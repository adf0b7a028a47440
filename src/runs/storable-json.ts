/**
 * JSON that Postgres takes as jsonb: NUL and half surrogate pairs, which it refuses, become U+FFFD wherever they stand.
 */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value) ?? 'null';
  if (!json.includes('\\u0000') && !json.includes('\\ud')) return json;
  return JSON.stringify(value, (_key, member) =>
    typeof member === 'string' ? member.toWellFormed().replaceAll('\0', '\ufffd') : member,
  );
}
