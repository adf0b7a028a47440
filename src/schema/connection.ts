import { z } from 'zod';
import type { Page, PageRequest } from '../kernel/page.ts';
import type { Arguments, Builder } from './builder.ts';
import type { TypeMap } from './type-map.ts';

type ObjectName = keyof TypeMap['Objects'] & string;

/** Declares `<Name>Connection` and `<Name>Edge`; the name is the type's, unless another is given. */
export function declareConnection<Type extends ObjectName>(
  builder: Builder,
  type: Type,
  name: string = type,
) {
  return builder.connectionObject(
    { type, name: `${name}Connection`, description: `A page of \`${type}\` nodes.` },
    { name: `${name}Edge`, description: `A \`${type}\` within a page.` },
  );
}

/** `first` (1 to 100; 20 when left out) and `after`, an edge's cursor. */
export const pageArguments = (arg: Arguments) => ({
  first: arg.int({
    description: 'Length of the page, from 1 to 100. Default: 20.',
    validate: { min: 1, max: 100 },
  }),
  after: arg.string({
    description: 'Cursor of the last edge of the page before. Default: the first page.',
    validate: { schema: z.string().max(500) },
  }),
});

interface PageArgumentValues {
  first?: number | null | undefined;
  after?: string | null | undefined;
}

export const pageRequest = ({ first, after }: PageArgumentValues): PageRequest => ({
  first: first ?? null,
  after: after ?? null,
});

/** A room's page as a Relay connection. */
export function toConnection<Item>({ edges, hasNextPage, hasPreviousPage }: Page<Item>) {
  const startCursor = edges[0]?.cursor ?? null;
  const endCursor = edges.at(-1)?.cursor ?? null;
  return { edges, pageInfo: { hasNextPage, hasPreviousPage, startCursor, endCursor } };
}
