import type { Queryable } from '../../data/database.ts';
import { type Reader, readerNames } from '../../kernel/access/readers.ts';
import type { CollectionAccess } from '../knowledge.ts';
import { documentIsReadable } from './read-bounds.ts';

interface Row {
  collection: string;
  readers: string[];
  documents: number;
  readableDocuments: number;
}

/** Every collection by name, with whether the reader may read it and what it may read in it. */
export async function describeAccess(
  database: Queryable,
  reader: Reader,
): Promise<CollectionAccess[]> {
  const names = readerNames(reader);
  const rows = await database.query<Row>(
    `SELECT c."name" AS collection, c."readers", count(d."id")::int AS documents,
       (count(d."id") FILTER (WHERE ${documentIsReadable({ names: '$1' })}))::int AS "readableDocuments"
     FROM "Collection" c LEFT JOIN "Document" d ON d."collectionId" = c."id" AND d."contentHash" <> ''
     GROUP BY c."id" ORDER BY c."name"`,
    [names],
  );
  return rows.map(({ readers, ...row }) => {
    const matching = names?.filter((name) => readers.includes(name)) ?? ['ADMIN'];
    const mayRead = matching.length > 0;
    const readableDocuments = mayRead ? row.readableDocuments : 0;
    const reason = mayRead
      ? whyReadable({ ...row, readableDocuments }, matching)
      : whyNot(readers, names!);
    return { ...row, readableDocuments, mayRead, reason };
  });
}

function whyReadable({ documents, readableDocuments }: Omit<Row, 'readers'>, matching: string[]) {
  const by = `It is read as ${matching.join(', ')}.`;
  if (documents === 0) return `${by} It holds no documents.`;
  if (readableDocuments === documents) return by;
  return `${by} ${documents - readableDocuments} of its ${documents} documents name other readers: ingest them again with "readers".`;
}

function whyNot(readers: readonly string[], names: readonly string[]): string {
  const there = readers.length > 0 ? `only ${readers.join(', ')}` : 'nobody but admins';
  const own = names.filter((name) => name !== '*').join(' or ');
  return `It is read by ${there}: add ${own} with updateCollection(readers).`;
}
