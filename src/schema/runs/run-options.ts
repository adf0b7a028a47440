import type { Builder } from '../builder.ts';
import { nameSchema } from '../name-schema.ts';

const name = nameSchema();
const maxNotes = 16 * 1024;
const isShort = (notes: unknown): boolean => Buffer.byteLength(JSON.stringify(notes)) <= maxNotes;
const dayMs = 24 * 60 * 60 * 1000;

export function declareRunOptions(builder: Builder): void {
  builder.inputType('RunOptions', {
    fields: (t) => ({
      subject: t.string({
        description: "Which subject an experiment assigns by; the caller's user id when left out.",
        validate: { schema: name },
      }),
      idempotencyKey: t.string({
        description:
          "Repeating a call with the same key within 24 h returns the first call's run and calls no model.",
        validate: { schema: name },
      }),
      timeoutMs: t.int({ validate: { min: 1, max: dayMs } }),
      fallbackModels: t.stringList({
        description:
          'Models tried in order when the first is overloaded, rate limited, timed out or down.',
        validate: { maxLength: 10, items: { schema: name } },
      }),
      fallbackText: t.string({
        description:
          'Answered when everything else failed: the run then succeeds with degraded: true.',
        validate: { maxLength: 100_000 },
      }),
      cache: t.field({
        type: 'CacheMode',
        description:
          'Whether a kept answer to the same call may be served. Every user has a cache of their own, unless the deployment sets CACHE_SCOPE=deployment. Default: DEFAULT.',
      }),
      maxCost: t.field({
        type: 'USD',
        description: 'Refuses before the call when the worst case would cost more.',
      }),
      outputFields: t.field({
        type: 'OutputFields',
        description:
          "On a prompt's own field. SELECTED (default): the model is asked only for the output fields that the operation selects, and nothing else is written or billed. WHOLE: for all of them.",
      }),
      onDisconnect: t.field({
        type: 'DisconnectPolicy',
        description:
          "What a stream's end of connection does to the run. Default: CANCEL after a short grace in which `runEvents` can take over.",
      }),
      tags: t.stringList({
        description:
          'At most 20, of at most 64 characters each; costs can be filtered and grouped by them.',
        validate: { maxLength: 20, items: { schema: nameSchema(64) } },
      }),
      metadata: t.field({
        type: 'JSON',
        description: 'At most 16 KiB of JSON.',
        validate: { refine: [isShort, { message: 'must be of at most 16 KiB as JSON' }] },
      }),
    }),
  });
}
