import { type Reader, readerNames } from '../../kernel/access/readers.ts';

/** What a caller may read, as conditions in SQL take it. */
export interface ReadBounds {
  /** Names under which the caller may stand among readers; null reads everything. */
  names: string[] | null;
  /** Patterns for LIKE of the collections in the scopes of the caller's key; null: all. */
  collections: string[] | null;
}

export const boundsOf = (reader: Reader): ReadBounds => ({
  names: readerNames(reader),
  collections: reader.scopes?.collections?.map(likePattern) ?? null,
});

/** `*` at the end of a name in a scope stands for anything. */
function likePattern(name: string): string {
  const isPrefix = name.endsWith('*');
  const literal = (isPrefix ? name.slice(0, -1) : name).replaceAll(/[\\%_]/g, '\\$&');
  return isPrefix ? `${literal}%` : literal;
}

/** Placeholders of the two parts. */
type Placed = Readonly<Record<keyof ReadBounds, string>>;

/** Of the collection `c`. */
export const collectionIsReadable = ({ names, collections }: Placed): string =>
  `(${names}::text[] IS NULL OR c."readers" && ${names}::text[])
   AND (${collections}::text[] IS NULL OR c."name" LIKE ANY (${collections}::text[]))`;

/** Of the document `d` among those of a collection that the caller may read. */
export const documentIsReadable = ({ names }: Pick<Placed, 'names'>): string =>
  `(${names}::text[] IS NULL OR d."readers" IS NULL OR d."readers" && ${names}::text[])`;
