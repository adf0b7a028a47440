import { z } from 'zod';
import { DomainError, isDomainError } from '../../kernel/errors.ts';
import type { Builder } from '../builder.ts';
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

function declarePromptVersionType(builder: Builder): void {
  builder.node('PromptVersion', {
    id: { resolve: (version) => version.id },
    loadOne: (id, { loaders }) => loaders.promptVersion.load(id),
    fields: (t) => ({
      prompt: t.field({
        type: 'Prompt',
        resolve: async ({ promptId }, _args, { loaders }) =>
          loaded(await loaders.prompt.load(promptId), `prompt ${promptId}`),
      }),
      number: t.exposeInt('number'),
      template: t.exposeString('template'),
      system: t.exposeString('system', { nullable: true }),
      model: t.exposeString('model', { nullable: true }),
      maxTokens: t.exposeInt('maxTokens', { nullable: true }),
      outputFields: t.expose('outputFields', {
        type: 'OutputFields',
        nullable: true,
        description:
          "What the prompt's own field asks the model for when `RunOptions.outputFields` is left out. Null: SELECTED.",
      }),
      variables: t.stringList({
        description: 'What the prompt declares and its templates may use.',
        resolve: async ({ promptId }, _args, { loaders }) => {
          const prompt = await loaders.prompt.load(promptId);
          return Object.keys(prompt?.definition?.variables.shape ?? {});
        },
      }),
      notes: t.exposeString('notes', { nullable: true }),
      createdAt: t.expose('createdAt', { type: 'DateTime' }),
      createdBy: t.exposeString('createdBy'),
      diff: t.string({
        description:
          'A unified diff of the template against another version, the one before it by default.',
        args: { against: t.arg.int({ validate: { min: 1 } }) },
        resolve: (version, { against }, { services }) => services.prompts.diff(version.id, against),
      }),
      stats: t.field({
        type: 'CostStats',
        description: 'Of the caller’s own calls; for an admin of everybody’s.',
        args: { window: t.arg({ type: 'StatsWindow' }) },
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

function declareCreatePromptVersion(builder: Builder): void {
  const CreatePromptVersionInput = builder.inputType('CreatePromptVersionInput', {
    description:
      'The template is checked before it is stored: it parses, it uses only declared variables, it renders with a sample.',
    fields: (t) => ({
      prompt: t.string({ required: true, validate: { schema: name } }),
      template: t.string({ required: true, validate: { minLength: 1, maxLength: 200_000 } }),
      system: t.string({ validate: { maxLength: 200_000 } }),
      model: t.string({ validate: { schema: nameSchema() } }),
      maxTokens: t.int({ validate: { min: 1, max: 1_000_000 } }),
      outputFields: t.field({
        type: 'OutputFields',
        description: 'WHOLE asks for all output fields, whatever an operation selects.',
      }),
      notes: t.string({ validate: { maxLength: 10_000 } }),
      labels: t.stringList({ validate: { maxLength: 20, items: { schema: label } } }),
    }),
  });
  const CreatePromptVersionResult = resultUnion(builder, 'CreatePromptVersionResult', {
    types: ['PromptVersion'],
    codes: createCodes,
  });
  builder.mutationField('createPromptVersion', (t) =>
    t.field({
      type: CreatePromptVersionResult,
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
      prompt: t.string({ required: true, validate: { schema: name } }),
      label: t.string({ required: true, validate: { schema: label } }),
      version: t.int({ required: true, validate: { min: 1 } }),
    }),
  });
  const SetPromptLabelResult = resultUnion(builder, 'SetPromptLabelResult', {
    types: ['PromptLabel'],
    codes: labelCodes,
  });
  builder.mutationField('setPromptLabel', (t) =>
    t.field({
      type: SetPromptLabelResult,
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
