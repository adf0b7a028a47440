import type { Builder, InputFields } from '../builder.ts';
import { nameSchema } from '../name-schema.ts';

const name = nameSchema();
const maxNotes = 16 * 1024;
const isShort = (notes: unknown): boolean => Buffer.byteLength(JSON.stringify(notes)) <= maxNotes;
const dayMs = 24 * 60 * 60 * 1000;

/** Bounds of a run, and what happens when they are reached. */
const limitFields = (t: InputFields) => ({
  timeoutMs: t.int({
    description:
      'Deadline of the whole run. When it passes, the run fails with MODEL_TIMEOUT and keeps what it has.',
    validate: { min: 1, max: dayMs },
  }),
  fallbackModels: t.stringList({
    description:
      'Models tried in order when the first is overloaded, rate limited, timed out or down.',
    validate: { maxLength: 10, items: { schema: name } },
  }),
  fallbackText: t.string({
    description: 'Answered when everything else failed: the run then succeeds with degraded: true.',
    validate: { maxLength: 100_000 },
  }),
  maxCost: t.field({
    type: 'USD',
    description: 'Refuses before the call when the worst case would cost more.',
  }),
  onDisconnect: t.field({
    type: 'DisconnectPolicy',
    description:
      'What a lost connection does to the run. Default: CANCEL, after a short grace in which `runEvents` can take over.',
  }),
});

export function declareRunOptions(builder: Builder): void {
  builder.inputType('RunOptions', {
    description: 'Options of a run.',
    fields: (t) => ({
      subject: t.string({
        description: "The subject that an experiment assigns by. Default: the caller's user id.",
        validate: { schema: name },
      }),
      idempotencyKey: t.string({
        description:
          "Repeating a call with the same key within 24 h returns the first call's run and calls no model.",
        validate: { schema: name },
      }),
      ...limitFields(t),

      cache: t.field({
        type: 'CacheMode',
        description:
          'Use of the response cache. Each user has a cache of their own, unless the deployment sets CACHE_SCOPE=deployment. Default: DEFAULT.',
      }),

      outputFields: t.field({
        type: 'OutputFields',
        description:
          "For a prompt's own field. SELECTED (default) asks the model only for the output fields that the operation selects; nothing else is written or billed. WHOLE asks for all of them.",
      }),

      tags: t.stringList({
        description:
          'Tags to filter runs and group costs by: at most 20, of at most 64 characters each.',
        validate: { maxLength: 20, items: { schema: nameSchema(64) } },
      }),
      metadata: t.field({
        type: 'JSON',
        description: 'JSON of at most 16 KiB that is kept with the run.',
        validate: { refine: [isShort, { message: 'must be of at most 16 KiB as JSON' }] },
      }),
    }),
  });
}
