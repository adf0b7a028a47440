/** Can the database store the text as it stands? Postgres takes neither NUL nor half a surrogate pair. */
export const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

/** The text as the database keeps it: NUL and half surrogate pairs become U+FFFD. */
export const toStorableText = (text: string): string =>
  isStorable(text) ? text : text.toWellFormed().replaceAll('\0', '\ufffd');
