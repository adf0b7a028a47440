import { z } from 'zod';
import { isStorable } from '../kernel/json/storable-text.ts';

/** Text that is stored or looked up unchanged: the database rejects NUL and unpaired surrogates. */
export const storableText = (longest: number): z.ZodString =>
  z.string().max(longest).refine(isStorable, 'holds a NUL character or half a surrogate pair');
