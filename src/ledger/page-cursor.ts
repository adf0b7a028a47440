import type { Page, PageRequest } from '../kernel/page.ts';
import { pageOf as pageOfKeys, readPageRequest as readKeyRequest } from '../kernel/page-cursor.ts';

/** Where a row stands in a list that is sorted by its moment and then its id. */
export interface Place {
  createdAt: Date;
  id: string;
}

export interface PageStart {
  size: number;
  after: Place | null;
}

const placePattern = /^\d{1,15}:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const keyOf = ({ createdAt, id }: Place): string => `${createdAt.getTime()}:${id}`;

/** Size and starting place of the page asked for. Throws `InvalidInputError`. */
export function readPageRequest(request: PageRequest): PageStart {
  const { size, after } = readKeyRequest(request, placePattern);
  if (after === null) return { size, after };
  const [moment, id] = after.split(':') as [string, string];
  return { size, after: { createdAt: new Date(Number(moment)), id } };
}

/** `rows` holds one more than the page's size when there are further ones. */
export function pageOf<Item extends Place>(
  rows: readonly Item[],
  { size, after }: PageStart,
): Page<Item> {
  return pageOfKeys(rows, { size, after: after && keyOf(after) }, keyOf);
}
