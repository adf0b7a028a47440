/** JSON cannot tell the value: it is to blame, not the database. */
export class UnstorableError extends Error {
  override readonly name = 'UnstorableError';
}

/** `\\` is matched so that what follows an escaped backslash is not taken for an escape. */
const escapes = /\\\\|\\u0000|\\ud[89a-f][0-9a-f]{2}/g;

/**
 * JSON that Postgres takes as jsonb: NUL and half surrogate pairs, which it refuses, become U+FFFD wherever they stand,
 * in keys too. Throws an `UnstorableError` for what has no JSON, or too much of it for one string.
 */
export function storableJson(value: unknown): string {
  try {
    const json = JSON.stringify(value) ?? 'null';
    // JSON.stringify writes these two, and of surrogates only lone ones, as escapes.
    return json.replace(escapes, (found) => (found === '\\\\' ? found : '\ufffd'));
  } catch (cause) {
    throw new UnstorableError('JSON cannot tell what is to be stored', { cause });
  }
}
