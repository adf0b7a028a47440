import type { LabelledText } from './label-choice.ts';
import { contentWords, splitSentences } from './word-overlap.ts';

/** Source of a generated value. */
export interface ValueSource {
  /** The text the value is about. */
  text: string;
  /** Few-shot examples, for enumerations. */
  examples?: readonly LabelledText[];
  /** Stand-in for fields that hold an answer. */
  answer?: string;
}

const EXAMPLE_OF_FORMAT: Readonly<Record<string, string>> = {
  'date-time': '2026-01-01T00:00:00Z',
  date: '2026-01-01',
  time: '12:00:00Z',
  duration: 'P1D',
  email: 'demo@example.com',
  hostname: 'example.com',
  uri: 'https://example.com/',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uuid: '00000000-0000-4000-8000-000000000000',
};

const IN_TEXT: Readonly<Record<string, RegExp>> = {
  'date-time': /\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})\b/,
  date: /\b\d{4}-\d{2}-\d{2}\b/,
  email: /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/,
  uri: /https?:\/\/[^\s<>"')\]]+[^\s<>"')\].,;:!?]/,
};

const FORMAT_OF_NAME: readonly [RegExp, string][] = [
  [/e-?mail/i, 'email'],
  [/url|uri|link|website/i, 'uri'],
  [/timestamp|datetime|(?:created|updated)_?at/i, 'date-time'],
  [/^date|_date|Date$|deadline/, 'date'],
];

interface Field {
  /** Name of the property; empty at the root. */
  name: string;
  schema: Record<string, unknown>;
  source: ValueSource;
  /** Greatest length in characters. */
  limit: number | undefined;
}

/** A string for a property, found in the text by the property's format or name. */
export function stringForField({ name, schema, source, limit }: Field): string {
  const value = formatted(name, schema, source.text) ?? byName(name, source);
  return limit === undefined || value.length <= limit ? value : value.slice(0, limit);
}

function formatted(
  name: string,
  schema: Record<string, unknown>,
  text: string,
): string | undefined {
  const stated = typeof schema['format'] === 'string' ? schema['format'] : undefined;
  const format = stated ?? FORMAT_OF_NAME.find(([pattern]) => pattern.test(name))?.[1];
  if (format === undefined) return undefined;
  return (
    IN_TEXT[format]?.exec(text)?.[0] ??
    (stated === undefined ? undefined : EXAMPLE_OF_FORMAT[format])
  );
}

function byName(name: string, { text, answer }: ValueSource): string {
  const sentences = splitSentences(text);
  const first = sentences[0] ?? text.trim();
  if (/reason|explanation|rationale|thinking|thought|justification/i.test(name)) {
    return `The demo model went by the words of the text: ${quote(first)}`;
  }
  if (/answer|response|reply|conclusion/i.test(name)) return answer ?? `(demo model) ${first}`;
  if (/summary|abstract|overview|tl_?dr/i.test(name))
    return sentences.slice(0, 2).join(' ') || first;
  if (/title|headline|subject|heading/i.test(name))
    return first
      .split(/\s+/)
      .slice(0, 8)
      .join(' ')
      .replace(/[.,;:]$/, '');
  if (/time_?zone|^tz$/i.test(name))
    return /\b[A-Z][a-z]+\/[A-Z][A-Za-z_]+\b/.exec(text)?.[0] ?? 'UTC';
  if (/language|locale/i.test(name)) return 'en';
  if (/currency/i.test(name)) return /\b[A-Z]{3}\b/.exec(text)?.[0] ?? 'USD';
  if (/city|place|location|country|address/i.test(name)) {
    return (
      /\b(?:in|at|for|from|to|near)\s+(\p{Lu}[\p{L}-]+(?:\s\p{Lu}[\p{L}-]+)*)/u.exec(text)?.[1] ??
      properNoun(text) ??
      first
    );
  }
  if (/name|person|author|customer|company|product|organi[sz]ation/i.test(name))
    return properNoun(text) ?? first;
  if (/keyword|topic|tag|label|category/i.test(name)) return [...contentWords(text)][0] ?? 'demo';
  return first === '' ? 'demo' : first;
}

/** The first capitalised name that doesn't begin a sentence, else one that does. */
function properNoun(text: string): string | undefined {
  const inside = /(?<![.!?:]\s)(?<=\s)\p{Lu}[\p{L}-]+(?:\s\p{Lu}[\p{L}-]+)*/u.exec(text)?.[0];
  return inside ?? /\p{Lu}[\p{L}-]+(?:\s\p{Lu}[\p{L}-]+)+/u.exec(text)?.[0];
}

function quote(text: string): string {
  return `“${text.length > 160 ? `${text.slice(0, 160)}…` : text}”`;
}
