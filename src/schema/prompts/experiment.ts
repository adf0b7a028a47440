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
      name: t.exposeString('name', { description: 'Unique name.' }),
      prompt: t.field({
        type: 'Prompt',
        description: 'The prompt whose versions are compared.',
        resolve: async ({ promptId }, _args, { loaders }) =>
          loaded(await loaders.prompt.load(promptId), `prompt ${promptId}`),
      }),
      status: t.expose('status', {
        type: 'ExperimentStatus',
        description: 'Only a RUNNING experiment decides on versions.',
      }),
      variants: t.expose('variants', {
        type: ['ExperimentVariant'],
        description: 'The versions that are compared.',
      }),
      startedAt: t.expose('startedAt', {
        type: 'DateTime',
        nullable: true,
        description: 'The time of the first start; null before.',
      }),
      endedAt: t.expose('endedAt', {
        type: 'DateTime',
        nullable: true,
        description: 'The time when it was stopped; null while it runs.',
      }),
      assignment: t.field({
        type: 'ExperimentAssignment',
        description: 'The variant that a subject gets, computed from the weights.',
        args: {
          subject: t.arg.string({
            required: true,
            description: 'Any id, such as a user id.',
            validate: { schema: nameSchema() },
          }),
        },
        resolve: (experiment, { subject }, { services }) =>
          services.prompts.assign(experiment, subject),
      }),
    }),
  });
}

const noRuns = { runs: 0, cost: '0', averageDurationMs: null, scores: [] };

function declareScoreSummary(builder: Builder): void {
  builder.objectType('ScoreSummary', {
    description: 'Scores of one name.',
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Name of the score.' }),
      count: t.exposeInt('count', { description: 'Number of scores.' }),
      mean: t.exposeFloat('mean', { description: 'Mean of the scores.' }),
      low: t.exposeFloat('low', {
        description: '95 % interval of the mean.',
      }),
      high: t.exposeFloat('high', {
        description: 'Upper end of the 95 % confidence interval of the mean.',
      }),
    }),
  });
}

/** Figures cover the runs of all users, so they require the role EDITOR. */
function declareExperimentVariant(builder: Builder): void {
  builder.objectType('ExperimentVariant', {
    description:
      'A prompt version in an experiment, with what its runs came to. Figures cover all users and require the role EDITOR or ADMIN.',
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Unique name within the experiment.' }),
      version: t.field({
        type: 'PromptVersion',
        description: 'The prompt version.',
        resolve: async ({ versionId }, _args, { loaders }) =>
          loaded(await loaders.promptVersion.load(versionId), `prompt version ${versionId}`),
      }),
      weight: t.exposeFloat('weight', {
        description: 'Share of subjects, relative to the other weights.',
      }),
      runs: t.int({
        description: 'Number of runs.',
        authScopes: { editor: true },
        resolve: async ({ experimentId, name }, _args, { loaders }) =>
          ((await loaders.variantStatistics.load(experimentId)).get(name) ?? noRuns).runs,
      }),
      cost: t.field({
        type: 'USD',
        description: 'Cost of the runs.',
        authScopes: { editor: true },
        resolve: async ({ experimentId, name }, _args, { loaders }) =>
          ((await loaders.variantStatistics.load(experimentId)).get(name) ?? noRuns).cost,
      }),
      averageDurationMs: t.float({
        nullable: true,
        description: 'Mean duration of a run; null without runs.',
        authScopes: { editor: true },
        resolve: async ({ experimentId, name }, _args, { loaders }) =>
          ((await loaders.variantStatistics.load(experimentId)).get(name) ?? noRuns)
            .averageDurationMs,
      }),
      scores: t.field({
        type: ['ScoreSummary'],
        description: 'Scores of the runs, summarised for each score name.',
        authScopes: { editor: true },
        resolve: async ({ experimentId, name }, _args, { loaders }) =>
          ((await loaders.variantStatistics.load(experimentId)).get(name) ?? noRuns).scores,
      }),
    }),
  });
  declareScoreSummary(builder);
}

function declareExperimentAssignment(builder: Builder): void {
  builder.objectType('ExperimentAssignment', {
    description: 'The variant that a subject was assigned.',
    fields: (t) => ({
      experiment: t.exposeString('experiment', { description: 'Name of the experiment.' }),
      variant: t.exposeString('variant', { description: 'Name of the variant.' }),
      version: t.field({
        type: 'PromptVersion',
        description: 'The prompt version of the variant.',
        resolve: async ({ versionId }, _args, { loaders }) =>
          loaded(await loaders.promptVersion.load(versionId), `prompt version ${versionId}`),
      }),
    }),
  });
}

const createCodes = ['EXPERIMENT_INVALID', 'PROMPT_NOT_FOUND', 'CONFLICT'] as const;

function declareCreateExperimentInput(builder: Builder) {
  const ExperimentVariantInput = builder.inputType('ExperimentVariantInput', {
    description: 'Weights are relative; they need not sum to 1.',
    fields: (t) => ({
      name: t.string({
        required: true,
        description: 'Unique name within the experiment.',
        validate: { schema: name },
      }),
      version: t.int({
        required: true,
        description: 'Number of a version of the prompt.',
        validate: { min: 1 },
      }),
      weight: t.float({
        required: true,
        description: 'Share of subjects, relative to the other weights.',
      }),
    }),
  });
  return builder.inputType('CreateExperimentInput', {
    description: 'An experiment to create.',
    fields: (t) => ({
      name: t.string({ required: true, description: 'Unique name.', validate: { schema: name } }),
      prompt: t.string({
        required: true,
        description: 'Name of a registered prompt.',
        validate: { schema: name },
      }),
      variants: t.field({
        type: [ExperimentVariantInput],
        required: true,
        description: 'The versions to compare.',
        validate: { maxLength: 100 },
      }),
      start: t.boolean({ description: 'Whether to start it at once. Default: false.' }),
    }),
  });
}

function declareCreateExperiment(builder: Builder): void {
  const CreateExperimentInput = declareCreateExperimentInput(builder);
  const CreateExperimentResult = resultUnion(builder, 'CreateExperimentResult', {
    types: ['Experiment'],
    codes: createCodes,
  });
  builder.mutationField('createExperiment', (t) =>
    t.field({
      type: CreateExperimentResult,
      description: 'Creates an experiment. For editors and admins.',
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
    description: 'A new weight of a variant.',
    fields: (t) => ({
      name: t.string({
        required: true,
        description: 'Name of the variant.',
        validate: { schema: name },
      }),
      weight: t.float({
        required: true,
        description: 'Share of subjects, relative to the other weights.',
      }),
    }),
  });
  return builder.inputType('SetExperimentWeightsInput', {
    description: 'Weights to change.',
    fields: (t) => ({
      name: t.string({
        required: true,
        description: 'The experiment.',
        validate: { schema: name },
      }),
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
      description:
        'Starts an experiment. A prompt has at most one running experiment. For editors and admins.',
      authScopes: { editor: true },
      audit: ({ name: subject }) => ({ subject }),
      args: {
        name: t.arg.string({
          required: true,
          description: 'Name of the experiment.',
          validate: { schema: name },
        }),
      },
      resolve: (_root, args, { services }) =>
        asResult(changeCodes, () => services.prompts.startExperiment(args.name)),
    }),
    stopExperiment: t.field({
      type: ExperimentResult,
      description: `Stops an experiment. The prompt's label "production" decides again. For editors and admins.`,
      authScopes: { editor: true },
      audit: ({ name: subject }) => ({ subject }),
      args: {
        name: t.arg.string({
          required: true,
          description: 'Name of the experiment.',
          validate: { schema: name },
        }),
      },
      resolve: (_root, args, { services }) =>
        asResult(changeCodes, () => services.prompts.stopExperiment(args.name)),
    }),
    setExperimentWeights: t.field({
      type: ExperimentResult,
      description:
        'Changes weights, from the next call on every server. Only the subjects that have to move get another variant. For editors and admins.',
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
      description: 'Lists experiments, newest first.',
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
      description: 'Finds an experiment by its name.',
      authScopes: { user: true, editor: true },
      args: {
        name: t.arg.string({
          required: true,
          description: 'Name of the experiment.',
          validate: { schema: name },
        }),
      },
      resolve: (_root, args, { services }) => services.prompts.experiment(args.name),
    }),
  );
}
