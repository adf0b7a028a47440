import { z } from 'zod';
import { isReaderName } from '../../kernel/access/readers.ts';
import type { InputFields } from '../builder.ts';

const maxReaders = 1_000;
const name = z.string().refine(isReaderName, 'must be user:NAME, group:NAME or *');

/** A list of those who may read or write something. */
export const readersField = (t: InputFields, { description }: { description: string }) =>
  t.stringList({
    description: `${description} Each is \`user:NAME\`, \`group:NAME\`, or \`*\` for every signed-in caller.`,
    validate: { schema: z.array(name).max(maxReaders) },
  });
