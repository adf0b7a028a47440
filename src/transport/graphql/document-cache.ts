import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';

const maxCharacters = 8_388_608;

/**
 * Parsed documents, bounded by the length of their texts: a few clients that put long texts into documents must not
 * fill the memory. Failures are not kept: over WebSocket they lack what HTTP adds to them, and one must not answer for
 * the other.
 */
export function createDocumentCache() {
  const documentCache = new LRUCache<string, DocumentNode>({
    maxSize: maxCharacters,
    sizeCalculation: (_, text) => text.length + 1,
  });
  const errorCache = { get: () => undefined, set: () => undefined };
  return { documentCache, errorCache };
}
