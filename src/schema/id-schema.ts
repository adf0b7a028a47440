import { GraphQLError } from 'graphql';
import { z } from 'zod';
import { type GlobalIdType, parseId } from './global-id.ts';

/** An id of one type in an input, which resolvers receive as the bare id. */
export const idSchema = (type: GlobalIdType): z.ZodType<string, string> =>
  z.string().transform((text, context) => {
    try {
      return parseId(type, text, []);
    } catch (error) {
      const message = error instanceof GraphQLError ? error.message : 'is not an id of this API';
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    }
  });
