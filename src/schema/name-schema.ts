import type { z } from 'zod';
import { storableText } from './storable-text.ts';

/** A name of a user, model, collection or key. Not empty. */
export const nameSchema = (longest = 200): z.ZodString => storableText(longest).min(1);
