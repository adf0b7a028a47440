import { z } from 'zod';
import { badUserInput } from '../limits/request-error.ts';
import { nameSchema } from '../name-schema.ts';

const schema = z.object({
  tessera: z
    .strictObject({
      idempotencyKey: nameSchema().optional(),
      onDisconnect: z.enum(['CANCEL', 'CONTINUE']).optional(),
    })
    .optional(),
});

/** Options of the run that a subscription begins, where the operation itself names none. */
export type RunDefaults = NonNullable<z.infer<typeof schema>['tessera']>;

/**
 * `extensions.tessera` of a request, by which a client names options without knowing where the operation takes them.
 * Throws BAD_USER_INPUT when it is malformed.
 */
export function readRunDefaults(extensions: unknown): RunDefaults {
  const parsed = schema.safeParse(extensions ?? {});
  if (parsed.success) return parsed.data.tessera ?? {};
  throw badUserInput(
    parsed.error.issues.map(({ path, message }) => ({
      path: ['extensions', ...path.map(String)],
      message,
    })),
  );
}

interface OperationArguments {
  input?: { options?: object | null } | null;
  options?: object | null;
}

/** The arguments of an operation with the defaults under its own options, which stand in `input` or beside it. */
export function withRunDefaults<Value extends object>(args: Value, defaults: RunDefaults): Value {
  const { input, options } = args as OperationArguments;
  if (Object.keys(defaults).length === 0) return args;
  if (!input) return { ...args, options: { ...defaults, ...options } };
  return { ...args, input: { ...input, options: { ...defaults, ...input.options } } };
}
