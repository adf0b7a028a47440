import type { Builder } from '../builder.ts';
import { declareConnection, pageArguments, pageRequest, toConnection } from '../connection.ts';
import { callerOf } from '../limits/access.ts';
import { pageCost } from '../limits/operation-limits.ts';
import { nameSchema } from '../name-schema.ts';
import { asResult } from '../results/as-result.ts';
import { loaded } from '../results/loaded.ts';
import { resultUnion } from '../results/result-union.ts';

const name = nameSchema(100);

function declareExperimentType(builder: Builder): void {
  builder.node('Experiment', {
    description:
      'Deterministic: the same subject always gets the same variant while the weights stand, whatever the server.',
    id: { resolve: (experiment) => experiment.id },
    loadOne: (id, { loaders }) => loaders.experiment.load(id),
    fields: (t) => ({
      name: t.exposeString('name'),
      prompt: t.field({
        type: 'Prompt',
        resolve: async ({ promptId }, _args, { loaders }) =>
          loaded(await loaders.prompt.load(promptId), `prompt ${promptId}`),
      }),
      status: t.expose('status', { type: 'ExperimentStatus' }),
      variants: t.expose('variants', { type: ['ExperimentVariant'] }),
      startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true }),
      endedAt: t.expose('endedAt', { type: 'DateTime', nullable: true }),
      assignment: t.field({
        type: 'ExperimentAssignment',
        args: { subject: t.arg.string({ required: true, validate: { schema: nameSchema() } }) },
        resolve: (experiment, { subject }, { services }) =>
          services.prompts.assign(experiment, subject),
      }),
    }),
  });
}

const noRuns = { runs: 0, cost: '0', averageDurationMs: null, scores: [] };

/** What its runs came to is of all users, so it is the admins' to see. */
function declareExperimentVariant(builder: Builder): void {
  builder.objectType('ExperimentVariant', {
    fields: (t) => ({
      name: t.exposeString('name'),
      version: t.field({
        type: 'PromptVersion',
        resolve: async ({ versionId }, _args, { loaders }) =>
          loaded(await loaders.promptVersion.load(versionId), `prompt version ${versionId}`),
      }),
      weight: t.exposeFloat('weight'),
      runs: t.int({
        authScopes: { editor: true },
        resolve: async ({ experimentId, name }, _args, { loaders }) =>
          ((await loaders.variantStatistics.load(experimentId)).get(name) ?? noRuns).runs,
      }),
      cost: t.field({
        type: 'USD',
        authScopes: { editor: true },
        resolve: async ({ experimentId, name }, _args, { loaders }) =>
          ((await loaders.variantStatistics.load(experimentId)).get(name) ?? noRuns).cost,
      }),
      averageDurationMs: t.float({
        nullable: true,
        authScopes: { editor: true },
        resolve: async ({ experimentId, name }, _args, { loaders }) =>
          ((await loaders.variantStatistics.load(experimentId)).get(name) ?? noRuns)
            .averageDurationMs,
      }),
      scores: t.field({
        type: ['ScoreSummary'],
        authScopes: { editor: true },
        resolve: async ({ experimentId, name }, _args, { loaders }) =>
          ((await loaders.variantStatistics.load(experimentId)).get(name) ?? noRuns).scores,
      }),
    }),
  });
  builder.objectType('ScoreSummary', {
    fields: (t) => ({
      name: t.exposeString('name'),
      count: t.exposeInt('count'),
      mean: t.exposeFloat('mean'),
      low: t.exposeFloat('low', { description: '95 % interval of the mean.' }),
      high: t.exposeFloat('high'),
    }),
  });
}

function declareExperimentAssignment(builder: Builder): void {
  builder.objectType('ExperimentAssignment', {
    fields: (t) => ({
      experiment: t.exposeString('experiment'),
      variant: t.exposeString('variant'),
      version: t.field({
        type: 'PromptVersion',
        resolve: async ({ versionId }, _args, { loaders }) =>
          loaded(await loaders.promptVersion.load(versionId), `prompt version ${versionId}`),
      }),
    }),
  });
}

const createCodes = ['EXPERIMENT_INVALID', 'PROMPT_NOT_FOUND', 'CONFLICT'] as const;

function declareCreateExperiment(builder: Builder): void {
  const ExperimentVariantInput = builder.inputType('ExperimentVariantInput', {
    description: 'Weights are relative; they need not sum to 1.',
    fields: (t) => ({
      name: t.string({ required: true, validate: { schema: name } }),
      version: t.int({ required: true, validate: { min: 1 } }),
      weight: t.float({ required: true }),
    }),
  });
  const CreateExperimentInput = builder.inputType('CreateExperimentInput', {
    fields: (t) => ({
      name: t.string({ required: true, validate: { schema: name } }),
      prompt: t.string({ required: true, validate: { schema: name } }),
      variants: t.field({
        type: [ExperimentVariantInput],
        required: true,
        validate: { maxLength: 100 },
      }),
      start: t.boolean(),
    }),
  });
  const CreateExperimentResult = resultUnion(builder, 'CreateExperimentResult', {
    types: ['Experiment'],
    codes: createCodes,
  });
  builder.mutationField('createExperiment', (t) =>
    t.field({
      type: CreateExperimentResult,
      authScopes: { editor: true },
      audit: ({ input: { name: subject, ...detail } }) => ({ subject, detail }),
      args: { input: t.arg({ type: CreateExperimentInput, required: true }) },
      resolve: (_root, { input }, context) => {
        const experiment = { ...input, start: input.start ?? null };
        const author = callerOf(context).userId;
        return asResult(createCodes, () =>
          context.services.prompts.createExperiment(experiment, author),
        );
      },
    }),
  );
}

const changeCodes = ['EXPERIMENT_INVALID', 'NOT_FOUND', 'CONFLICT'] as const;

function declareWeightsInput(builder: Builder) {
  const ExperimentWeightInput = builder.inputType('ExperimentWeightInput', {
    fields: (t) => ({
      name: t.string({ required: true, validate: { schema: name } }),
      weight: t.float({ required: true }),
    }),
  });
  return builder.inputType('SetExperimentWeightsInput', {
    fields: (t) => ({
      name: t.string({ required: true, validate: { schema: name } }),
      variants: t.field({
        type: [ExperimentWeightInput],
        required: true,
        description: 'Variants that are not named keep their weight.',
        validate: { minLength: 1, maxLength: 100 },
      }),
    }),
  });
}

function declareChanges(builder: Builder): void {
  const ExperimentResult = resultUnion(builder, 'ExperimentResult', {
    types: ['Experiment'],
    codes: changeCodes,
  });
  builder.mutationFields((t) => ({
    startExperiment: t.field({
      type: ExperimentResult,
      authScopes: { editor: true },
      audit: ({ name: subject }) => ({ subject }),
      args: { name: t.arg.string({ required: true, validate: { schema: name } }) },
      resolve: (_root, args, { services }) =>
        asResult(changeCodes, () => services.prompts.startExperiment(args.name)),
    }),
    stopExperiment: t.field({
      type: ExperimentResult,
      authScopes: { editor: true },
      audit: ({ name: subject }) => ({ subject }),
      args: { name: t.arg.string({ required: true, validate: { schema: name } }) },
      resolve: (_root, args, { services }) =>
        asResult(changeCodes, () => services.prompts.stopExperiment(args.name)),
    }),
    setExperimentWeights: t.field({
      type: ExperimentResult,
      description:
        'In force for the next call on every server. Only subjects that must move get another variant.',
      authScopes: { editor: true },
      audit: ({ input: { name: subject, ...detail } }) => ({ subject, detail }),
      args: { input: t.arg({ type: declareWeightsInput(builder), required: true }) },
      resolve: (_root, { input }, { services }) =>
        asResult(changeCodes, () => services.prompts.setExperimentWeights(input)),
    }),
  }));
}

/** `Experiment` and its parts, with what finds, makes, starts and stops one, and changes its weights. */
export function declareExperiment(builder: Builder): void {
  declareExperimentType(builder);
  declareExperimentVariant(builder);
  declareExperimentAssignment(builder);
  declareCreateExperiment(builder);
  declareChanges(builder);
  const connection = declareConnection(builder, 'Experiment');
  builder.queryField('experiments', (t) =>
    t.field({
      type: connection,
      description: 'Newest first.',
      authScopes: { user: true, editor: true },
      complexity: pageCost,
      args: pageArguments(t.arg),
      resolve: async (_root, page, { services }) =>
        toConnection(await services.prompts.experiments(pageRequest(page))),
    }),
  );
  builder.queryField('experiment', (t) =>
    t.field({
      type: 'Experiment',
      nullable: true,
      authScopes: { user: true, editor: true },
      args: { name: t.arg.string({ required: true, validate: { schema: name } }) },
      resolve: (_root, args, { services }) => services.prompts.experiment(args.name),
    }),
  );
}
