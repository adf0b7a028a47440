import { toStorableText } from '../../kernel/json/storable-text.ts';

const maxCharacters = 300;

const mask = '[hidden]';

/** What follows a word for a secret, credentials in a URL, keys by their prefix, and long runs that only machines write. */
const secrets: readonly [RegExp, string][] = [
  [/\b(bearer|basic)\s+[^\s"',;]+/gi, `$1 ${mask}`],
  [
    /\b((?:api|access|secret|auth)?[-_ ]?(?:key|token|secret|password|authorization)["']?(?: provided)?\s*[:=]\s*["']?)(?!\d+\b)[^\s"',;]+/gi,
    `$1${mask}`,
  ],
  [/:\/\/[^\s/@]+@/g, `://${mask}@`],
  [/\b(?:sk|pk|rk|gsk|xai|key|tok|hf|pat|ghp|AIza|AKIA)[-_A-Za-z0-9][-_A-Za-z0-9*.]{10,}/g, mask],
  [/\b(?=[-_A-Za-z0-9]*\d)(?=[-_A-Za-z0-9]*[A-Za-z])[-_A-Za-z0-9]{32,}\b/g, mask],
];

/**
 * A provider's own sentence as clients and the log may have it: one line of at most 300 characters, without anything that
 * looks like a secret. `own` are secrets of ours, which a provider may repeat.
 */
export function shownReason(text: string, own: readonly string[] = []): string {
  let shown = toStorableText(text.slice(0, 10_000)).replaceAll(/\s+/g, ' ').trim();
  for (const secret of own) if (secret.length >= 8) shown = shown.replaceAll(secret, mask);
  for (const [pattern, replacement] of secrets) shown = shown.replaceAll(pattern, replacement);
  return shown.length > maxCharacters ? `${shown.slice(0, maxCharacters - 1)}…` : shown;
}
