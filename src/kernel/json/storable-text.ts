/** Whether the database can store the text unchanged. Postgres rejects NUL and unpaired surrogates. */
export const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

/** The text as the database keeps it: NUL and half surrogate pairs become U+FFFD. */
export const toStorableText = (text: string): string =>
  isStorable(text) ? text : text.toWellFormed().replaceAll('\0', '\ufffd');
