import { z } from 'zod';
import { isStorable } from '../kernel/json/storable-text.ts';

/** Text that is stored or looked up as it stands: the database takes neither NUL nor half a surrogate pair. */
export const storableText = (longest: number): z.ZodString =>
  z.string().max(longest).refine(isStorable, 'holds a NUL character or half a surrogate pair');
