import type { Builder } from '../builder.ts';
import type { GraphQLContext } from '../context.ts';
import { encodeGlobalId, parseId } from '../global-id.ts';
import { callerOf } from '../limits/access.ts';
import { nameSchema } from '../name-schema.ts';
import { asResult } from '../results/as-result.ts';
import { resultUnion } from '../results/result-union.ts';
import { storableText } from '../storable-text.ts';

const codes = ['RUN_NOT_FOUND'] as const;

/** A score is visible to callers who may read its run. */
async function loadScore(id: string, { loaders }: GraphQLContext) {
  const score = await loaders.score.load(id);
  return score && (await loaders.run.load(score.runId)) ? score : null;
}

function declareScoreType(builder: Builder): void {
  builder.node('Score', {
    description: 'Feedback on a run.',
    id: { resolve: (score) => score.id },
    loadOne: loadScore,
    fields: (t) => ({
      runId: t.id({
        description: 'The run.',
        resolve: (score) => encodeGlobalId('Run', score.runId),
      }),
      name: t.exposeString('name', { description: 'What is scored, such as "helpful".' }),
      value: t.exposeFloat('value', { description: 'The score.' }),
      comment: t.exposeString('comment', { nullable: true, description: 'Comment for people.' }),
      createdAt: t.expose('createdAt', {
        type: 'DateTime',
        description: 'The time when it was given.',
      }),
    }),
  });
}

export function declareScore(builder: Builder): void {
  declareScoreType(builder);
  const ScoreRunInput = builder.inputType('ScoreRunInput', {
    description:
      'A score. It replaces the score that the same user gave the run under the same name.',
    fields: (t) => ({
      runId: t.id({ required: true, description: 'The run.' }),
      name: t.string({
        required: true,
        description: 'What is scored, such as "helpful".',
        validate: { schema: nameSchema(100) },
      }),
      value: t.float({
        required: true,
        description: 'The score, from -1e12 to 1e12.',
        validate: { min: -1e12, max: 1e12 },
      }),
      comment: t.string({
        description: 'Comment for people.',
        validate: { schema: storableText(10_000) },
      }),
    }),
  });
  const ScoreRunResult = resultUnion(builder, 'ScoreRunResult', { types: ['Score'], codes });
  builder.mutationField('scoreRun', (t) =>
    t.field({
      type: ScoreRunResult,
      description: 'Feedback of a user or a check on a run; experiments compare variants by it.',
      authScopes: { user: true },
      args: { input: t.arg({ type: ScoreRunInput, required: true }) },
      resolve: (_root, { input }, context) => {
        const { name, value, comment = null } = input;
        const runId = parseId('Run', input.runId, ['input', 'runId']);
        return asResult(codes, () =>
          context.services.runs.score({ runId, name, value, comment }, callerOf(context)),
        );
      },
    }),
  );
}
