/** JSON cannot tell the value: it is to blame, not the database. */
export class UnstorableError extends Error {
  override readonly name = 'UnstorableError';
}

/**
 * JSON that Postgres takes as jsonb: NUL and half surrogate pairs, which it refuses, become U+FFFD wherever they stand.
 * Throws an `UnstorableError` for what has no JSON, or too much of it for one string.
 */
export function storableJson(value: unknown): string {
  try {
    const json = JSON.stringify(value) ?? 'null';
    if (!json.includes('\\u0000') && !json.includes('\\ud')) return json;
    return JSON.stringify(value, (_key, member) =>
      typeof member === 'string' ? member.toWellFormed().replaceAll('\0', '\ufffd') : member,
    );
  } catch (cause) {
    throw new UnstorableError('JSON cannot tell what is to be stored', { cause });
  }
}
