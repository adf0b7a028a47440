const tokens = /\p{N}+(?:[.,]\p{N}+)+|[\p{L}\p{N}]+/gu;
const camelParts = /\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lo}+|\p{Lm}+|\p{N}+/gu;
const mixed = /\p{Ll}\p{Lu}|\p{Lu}\p{Lu}\p{Ll}|\p{L}\p{N}|\p{N}\p{L}/u;
const diacritics = /\p{Mn}+/gu;

/** A text without accents and compatibility forms: "ﬁancé" becomes "fiance". Not for display: offsets move. */
export function foldText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly the texts that folding leaves as they are
  return /^[\x00-\x7f]*$/.test(text)
    ? text
    : text.normalize('NFKD').replace(diacritics, '').normalize('NFC');
}

/**
 * The words of a text as the keyword index counts them, before stemming and stop words, which are the database's:
 * separated by spaces, accents folded, dotted and snake_case names in their parts, a camelCase name whole and in its
 * parts. Nothing in it is left for the database's own parser to take for a host, a file or a tag.
 */
export function indexText(text: string): string {
  const words: string[] = [];
  for (const [token] of foldText(text).matchAll(tokens)) {
    words.push(token);
    if (mixed.test(token)) {
      const parts = token.match(camelParts) ?? [];
      if (parts.length > 1 && parts.length < 12) words.push(...parts);
    }
  }
  return words.join(' ').toLowerCase();
}
