import { storableJson } from '../../kernel/json/storable-json.ts';
import { toStorableText } from '../../kernel/json/storable-text.ts';
import { parseJson, recordOf } from './json-fields.ts';

/**
 * A tool call's input from the text that came for it: an object, or the text itself when it holds none, which the tool's
 * check refuses, so that the model can repair it. Nothing is guessed. No text at all, or `null`, is an empty object; some
 * servers encode the object twice, or send `{}` before it. NUL and half surrogate pairs become U+FFFD, as in the
 * database.
 */
export function readToolInput(text: string): Record<string, unknown> | string {
  const outer = jsonOf(text);
  const value = typeof outer === 'string' ? jsonOf(outer) : outer;
  const object = value === null ? {} : recordOf(value);
  if (!object) return toStorableText(text);
  return JSON.parse(storableJson(object)) as Record<string, unknown>;
}

/** Null for no text, undefined for text that is not JSON. */
function jsonOf(text: string): unknown {
  if (text.trim() === '') return null;
  const value = parseJson(text);
  return value === undefined ? parseJson(text.replace(/^\s*\{\s*\}\s*(?=\{)/, '')) : value;
}
