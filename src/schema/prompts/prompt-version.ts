import { z } from 'zod';
import { DomainError, isDomainError } from '../../kernel/errors.ts';
import type { PromptVersionRecord } from '../../prompts/prompts.ts';
import type { Builder, ObjectFields } from '../builder.ts';
import { statsWindow } from '../costs/stats-window.ts';
import { callerOf, userScope } from '../limits/access.ts';
import { nameSchema } from '../name-schema.ts';
import { asResult } from '../results/as-result.ts';
import { loaded } from '../results/loaded.ts';
import { resultUnion } from '../results/result-union.ts';
import type { Services } from '../services.ts';

const name = nameSchema(100);
const label = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,62}$/, 'a label has up to 63 letters, digits, ".", "_" and "-"');

const wordingFields = (t: ObjectFields<PromptVersionRecord>) => ({
  number: t.exposeInt('number', { description: 'Number of the version, from 1.' }),
  template: t.exposeString('template', {
    description: 'LiquidJS template of the last message.',
  }),
  system: t.exposeString('system', {
    nullable: true,
    description: 'LiquidJS template of the system prompt; null without one.',
  }),
  model: t.exposeString('model', {
    nullable: true,
    description: "Model to use; null: the server's default.",
  }),
  maxTokens: t.exposeInt('maxTokens', {
    nullable: true,
    description: "Maximum output tokens; null: the server's default.",
  }),
  outputFields: t.expose('outputFields', {
    type: 'OutputFields',
    nullable: true,
    description:
      'Output fields that the model is asked for if `RunOptions.outputFields` is left out. Null: SELECTED.',
  }),
  variables: t.stringList({
    description: 'Names of the variables that the templates may use.',
    resolve: async ({ promptId }, _args, { loaders }) => {
      const prompt = await loaders.prompt.load(promptId);
      return Object.keys(prompt?.definition?.variables.shape ?? {});
    },
  }),
  notes: t.exposeString('notes', { nullable: true, description: 'Notes of the author.' }),
});

function declarePromptVersionType(builder: Builder): void {
  builder.node('PromptVersion', {
    description: 'An immutable wording of a prompt.',
    id: { resolve: (version) => version.id },
    loadOne: (id, { loaders }) => loaders.promptVersion.load(id),
    fields: (t) => ({
      prompt: t.field({
        type: 'Prompt',
        description: 'The prompt.',
        resolve: async ({ promptId }, _args, { loaders }) =>
          loaded(await loaders.prompt.load(promptId), `prompt ${promptId}`),
      }),
      ...wordingFields(t),

      createdAt: t.expose('createdAt', {
        type: 'DateTime',
        description: 'The time when the version was published.',
      }),
      createdBy: t.exposeString('createdBy', {
        description: `A user id, or "plugin:" and the plugin's name.`,
      }),
      diff: t.string({
        description:
          'A unified diff of the template against another version, the one before it by default.',
        args: {
          against: t.arg.int({ description: 'Number of the other version.', validate: { min: 1 } }),
        },
        resolve: (version, { against }, { services }) => services.prompts.diff(version.id, against),
      }),
      stats: t.field({
        type: 'CostStats',
        description:
          "Sums over the calls of this version: the caller's own, or everybody's for roles that may read all costs.",
        args: { window: t.arg({ type: 'StatsWindow', description: 'Default: the last hour.' }) },
        resolve: (version, { window }, context) =>
          context.services.ledger.costStats({
            promptVersionId: version.id,
            userId: userScope(context, 'costs', null),
            window: statsWindow(window),
          }),
      }),
    }),
  });
}

const createCodes = ['PROMPT_NOT_FOUND', 'TEMPLATE_INVALID'] as const;

/** Which model a version may name is not the prompts room's to know. */
function assertModel(model: string, { models }: Services): void {
  try {
    models.resolve(model);
  } catch (error) {
    if (!isDomainError(error)) throw error;
    const details = { issues: [{ path: ['model'], message: error.message }] };
    throw new DomainError('TEMPLATE_INVALID', error.message, { details });
  }
}

const versionOf = (made: unknown): number | undefined =>
  (made as { number?: number } | undefined)?.number;

function declareCreatePromptVersionInput(builder: Builder) {
  return builder.inputType('CreatePromptVersionInput', {
    description:
      'The template is checked before it is stored: it parses, it uses only declared variables, it renders with a sample.',
    fields: (t) => ({
      prompt: t.string({
        required: true,
        description: 'Name of the prompt.',
        validate: { schema: name },
      }),
      template: t.string({
        required: true,
        description: 'LiquidJS template of the last message.',
        validate: { minLength: 1, maxLength: 200_000 },
      }),
      system: t.string({
        description: 'LiquidJS template of the system prompt.',
        validate: { maxLength: 200_000 },
      }),
      model: t.string({
        description: "Model to use. Default: the server's.",
        validate: { schema: nameSchema() },
      }),
      maxTokens: t.int({
        description: "Maximum output tokens. Default: the server's.",
        validate: { min: 1, max: 1_000_000 },
      }),
      outputFields: t.field({
        type: 'OutputFields',
        description: 'WHOLE asks the model for all output fields, whatever an operation selects.',
      }),
      notes: t.string({ description: 'Notes for people.', validate: { maxLength: 10_000 } }),
      labels: t.stringList({
        description: 'Labels to move to the new version.',
        validate: { maxLength: 20, items: { schema: label } },
      }),
    }),
  });
}

function declareCreatePromptVersion(builder: Builder): void {
  const CreatePromptVersionInput = declareCreatePromptVersionInput(builder);
  const CreatePromptVersionResult = resultUnion(builder, 'CreatePromptVersionResult', {
    types: ['PromptVersion'],
    codes: createCodes,
  });
  builder.mutationField('createPromptVersion', (t) =>
    t.field({
      type: CreatePromptVersionResult,
      description: 'Publishes a version of a prompt. For editors and admins.',
      authScopes: { editor: true },
      audit: ({ input: { prompt, model, maxTokens, labels } }, made) => ({
        subject: prompt,
        detail: { version: versionOf(made), model, maxTokens, labels },
      }),
      args: { input: t.arg({ type: CreatePromptVersionInput, required: true }) },
      resolve: (_root, { input }, context) => {
        const { prompt, template, ...rest } = input;
        const version = { ...rest, prompt, template };
        const author = callerOf(context).userId;
        return asResult(createCodes, () => {
          if (input.model) assertModel(input.model, context.services);
          return context.services.prompts.createVersion(version, author);
        });
      },
    }),
  );
}

const labelCodes = ['PROMPT_NOT_FOUND', 'NOT_FOUND'] as const;

function declareSetPromptLabel(builder: Builder): void {
  const SetPromptLabelInput = builder.inputType('SetPromptLabelInput', {
    description:
      'Deploy and rollback alike: move a label to a version. Takes effect on every server at once.',
    fields: (t) => ({
      prompt: t.string({
        required: true,
        description: 'Name of the prompt.',
        validate: { schema: name },
      }),
      label: t.string({
        required: true,
        description: 'The label, such as "production".',
        validate: { schema: label },
      }),
      version: t.int({
        required: true,
        description: 'Number of the version.',
        validate: { min: 1 },
      }),
    }),
  });
  const SetPromptLabelResult = resultUnion(builder, 'SetPromptLabelResult', {
    types: ['PromptLabel'],
    codes: labelCodes,
  });
  builder.mutationField('setPromptLabel', (t) =>
    t.field({
      type: SetPromptLabelResult,
      description:
        'Moves a label to a version, from the next call on every server. For editors and admins.',
      authScopes: { editor: true },
      audit: ({ input: { prompt, label: moved, version } }) => ({
        subject: prompt,
        detail: { label: moved, version },
      }),
      args: { input: t.arg({ type: SetPromptLabelInput, required: true }) },
      resolve: (_root, { input }, context) =>
        asResult(labelCodes, () =>
          context.services.prompts.setLabel(input, callerOf(context).userId),
        ),
    }),
  );
}

/** `PromptVersion`, with the mutations that publish one and deploy it. */
export function declarePromptVersion(builder: Builder): void {
  declarePromptVersionType(builder);
  declareCreatePromptVersion(builder);
  declareSetPromptLabel(builder);
}
