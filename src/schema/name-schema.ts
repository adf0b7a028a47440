import type { z } from 'zod';
import { storableText } from './storable-text.ts';

/** What something is called by: a user, a model, a collection, a key. Not empty. */
export const nameSchema = (longest = 200): z.ZodString => storableText(longest).min(1);
