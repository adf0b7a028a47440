import { anyone } from '../../kernel/access/readers.ts';
import type { SearchRequest } from '../../kernel/knowledge-search.ts';
import type { SearchHit } from '../../kernel/run.ts';
import {
  type CollectionRow,
  collectionNotFound,
  findReadableCollection,
  findUnnamedCollections,
} from '../collections/collection-row.ts';
import { boundsOf, type ReadBounds } from '../collections/read-bounds.ts';
import { interleave } from './interleave.ts';
import { resultsOf, type SearchParts, searchCollection } from './search-collection.ts';
import { searchReranked } from './search-reranked.ts';

export type Search = (request: SearchRequest) => Promise<SearchHit[]>;

/** A search of one collection, or of several when the request allows it; of nothing that its reader may not read. */
export function createSearch(parts: SearchParts): Search {
  const search: Search = async (request) => {
    const reader = request.reader ?? anyone;
    const collections = await collectionsFor(parts, request, boundsOf(reader));
    const [only, ...others] = collections;
    if (!only) throw await collectionNotFound(parts.database, request.collection, reader);
    if (others.length === 0) return searchCollection(parts, only, request);
    const answers = collections.map((each) => searchCollection(parts, each, request));
    return interleave(await Promise.all(answers), resultsOf(request));
  };
  return (request) => searchReranked(request, search);
}

/** Those that a search looks into: one, several when it may; none when it is not clear which. */
async function collectionsFor(
  { database }: SearchParts,
  { collection: name, everywhere = false }: SearchRequest,
  bounds: ReadBounds,
): Promise<CollectionRow[]> {
  if (name !== undefined) {
    const named = await findReadableCollection(database, name, bounds);
    return named ? [named] : [];
  }
  const meant = await findUnnamedCollections(database, bounds);
  if (everywhere || meant.length === 1) return meant;
  return meant.filter((collection) => collection.name === 'default');
}
