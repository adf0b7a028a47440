import type { RunOptions } from '../../runs/runs.ts';
import type { Builder } from '../builder.ts';
import { idSchema } from '../id-schema.ts';
import { nameSchema } from '../name-schema.ts';

const name = nameSchema();
const maxNotes = 16 * 1024;
const isShort = (notes: unknown): boolean => Buffer.byteLength(JSON.stringify(notes)) <= maxNotes;
const placesOnce = ({ continues, conversation, newConversation }: RunOptions): boolean =>
  conversation == null || (continues == null && newConversation !== true);
const dayMs = 24 * 60 * 60 * 1000;

export function declareRunOptions(builder: Builder): void {
  builder.inputType('RunOptions', {
    description: 'Options of a run.',
    validate: [
      [
        placesOnce,
        {
          message:
            'continues, conversation and newConversation: only continues and newConversation go together',
          path: ['conversation'],
        },
      ],
    ],
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
        description:
          'Answered when everything else failed: the run then succeeds with degraded: true.',
        validate: { maxLength: 100_000 },
      }),
      cache: t.field({
        type: 'CacheMode',
        description:
          'Use of the response cache. Each user has a cache of their own, unless the deployment sets CACHE_SCOPE=deployment. Default: DEFAULT.',
      }),
      maxCost: t.field({
        type: 'USD',
        description: 'Refuses before the call when the worst case would cost more.',
      }),
      outputFields: t.field({
        type: 'OutputFields',
        description:
          "For a prompt's own field. SELECTED (default) asks the model only for the output fields that the operation selects; nothing else is written or billed. WHOLE asks for all of them.",
      }),
      onDisconnect: t.field({
        type: 'DisconnectPolicy',
        description:
          'What a lost connection does to the run. Default: CANCEL, after a short grace in which `runEvents` can take over.',
      }),
      continues: t.id({
        description:
          "A finished run of the caller's that this one goes on from: its whole conversation comes before. Two runs may continue the same one; that is a branch.",
        validate: { schema: idSchema('Run') },
      }),
      conversation: t.id({
        description: 'Goes on from the newest run of this conversation instead.',
        validate: { schema: idSchema('Conversation') },
      }),
      newConversation: t.boolean({
        description: 'True begins a conversation with this run, so that later ones can join it.',
      }),
      whileRunning: t.field({
        type: 'BusyPolicy',
        description:
          'What happens while the run to continue, or any of the conversation, is not over. REJECT (default) answers CONFLICT. QUEUE lets this one wait for its turn. CANCEL stops the others, and goes on from what they said.',
      }),
      history: t.field({
        type: 'HistoryPolicy',
        description:
          "What is done when the conversation does not fit the model's window. DROP_OLDEST (default) leaves out whole exchanges, SUMMARIZE sends a summary in their place, FAIL refuses with MODEL_REFUSED.",
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
