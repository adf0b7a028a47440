import { InvalidInputError } from './invalid-input-error.ts';
import type { Page, PageRequest } from './page.ts';

/** A row's place in a list that is sorted by id. */
export const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const defaultSize = 20;
const maxSize = 100;

export interface PageStart {
  size: number;
  /** The sort key of the last edge already seen. */
  after: string | null;
}

/** Size and start of the page asked for. Throws `InvalidInputError` for a bad size, or a cursor whose sort key is not of `pattern`. */
export function readPageRequest(request: PageRequest, pattern: RegExp): PageStart {
  const size = request.first ?? defaultSize;
  if (!Number.isInteger(size) || size < 1 || size > maxSize) {
    throw new InvalidInputError(`"first" must be from 1 to ${maxSize}`);
  }
  if (request.after === null || request.after === undefined) return { size, after: null };
  const after = Buffer.from(request.after, 'base64url').toString();
  if (!pattern.test(after)) {
    throw new InvalidInputError('"after" is no cursor of this list: take one from an edge');
  }
  return { size, after };
}

/** `rows` holds one more than the page's size when there are further ones. */
export function pageOf<Item>(
  rows: readonly Item[],
  { size, after }: PageStart,
  keyOf: (item: Item) => string,
): Page<Item> {
  return {
    edges: rows.slice(0, size).map((node) => ({
      node,
      cursor: Buffer.from(keyOf(node)).toString('base64url'),
    })),
    hasNextPage: rows.length > size,
    hasPreviousPage: after !== null,
  };
}
