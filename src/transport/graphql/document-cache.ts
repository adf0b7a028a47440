import type { DocumentNode, Token } from 'graphql';
import { LRUCache } from 'lru-cache';

const maxBytes = 32 * 1_048_576;
/** Measured: 90 for a comment, 250 for a value in a list, 370 in GraphiQL's introspection, 480 for a field. */
const bytesPerToken = 500;
const bytesPerCharacter = 2;

function weightOf({ loc }: DocumentNode, text: string): number {
  let tokens = 1;
  for (let token: Token | null = loc?.startToken ?? null; token; token = token.next) tokens += 1;
  return tokens * bytesPerToken + text.length * bytesPerCharacter;
}

/**
 * Parsed documents, bounded by the memory that they hold. They keep their tokens: without them an error could not say
 * where in the document it is. Failures are not kept: over WebSocket they lack what HTTP adds to them, and one must not
 * answer for the other.
 */
export function createDocumentCache() {
  const documentCache = new LRUCache<string, DocumentNode>({
    maxSize: maxBytes,
    sizeCalculation: weightOf,
  });
  const errorCache = { get: () => undefined, set: () => undefined };
  return { documentCache, errorCache };
}
