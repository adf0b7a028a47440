/** The value has no JSON: it is to blame, not the database. */
export class UnstorableError extends Error {
  override readonly name = 'UnstorableError';
}

/** `\\` is matched so that the text after an escaped backslash is not taken for an escape. */
const escapes = /\\\\|\\u0000|\\ud[89a-f][0-9a-f]{2}/g;

/**
 * JSON text, as `JSON.stringify` makes it, without NUL and half surrogate pairs: each becomes U+FFFD, in keys too.
 * `JSON.stringify` writes these two, and of surrogates only halves of pairs, as escapes.
 */
export function storableJsonText(json: string): string {
  if (!json.includes('\\u')) return json;
  return json.replace(escapes, (found) => (found === '\\\\' ? found : '\ufffd'));
}

/**
 * JSON that Postgres takes as jsonb: NUL and half surrogate pairs, which it refuses, become U+FFFD wherever they stand,
 * in keys too. Throws an `UnstorableError` for a value without JSON, or with too much of it for one string.
 */
export function storableJson(value: unknown): string {
  try {
    return storableJsonText(JSON.stringify(value) ?? 'null');
  } catch (cause) {
    throw new UnstorableError('the value to be stored has no JSON', { cause });
  }
}
