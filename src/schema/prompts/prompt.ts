import type { Builder } from '../builder.ts';
import { declareConnection, pageArguments, pageRequest, toConnection } from '../connection.ts';
import { pageCost } from '../limits/operation-limits.ts';
import { nameSchema } from '../name-schema.ts';
import { loaded } from '../results/loaded.ts';
import { storableText } from '../storable-text.ts';
import { toJsonSchema } from '../zod/json-schema.ts';

function declarePromptType(builder: Builder): void {
  const versions = declareConnection(builder, 'PromptVersion');
  const changes = declareConnection(builder, 'PromptLabelChange');
  builder.node('Prompt', {
    id: { resolve: (prompt) => prompt.id },
    loadOne: (id, { loaders }) => loaders.prompt.load(id),
    fields: (t) => ({
      name: t.exposeString('name'),
      description: t.string({ resolve: ({ definition }) => definition?.description ?? '' }),
      variablesSchema: t.field({
        type: 'JSON',
        description:
          'The contract, from code: JSON Schema of the variables, and of the output where the prompt has one.',
        resolve: ({ definition }) =>
          definition ? toJsonSchema(definition.variables, 'input') : {},
      }),
      outputSchema: t.field({
        type: 'JSON',
        nullable: true,
        resolve: ({ definition }) =>
          definition?.output ? toJsonSchema(definition.output, 'output') : null,
      }),
      versions: t.field({
        type: versions,
        description: 'Newest first.',
        complexity: pageCost,
        args: pageArguments(t.arg),
        resolve: async (prompt, args, { services }) =>
          toConnection(await services.prompts.versions(prompt.id, pageRequest(args))),
      }),
      version: t.field({
        type: 'PromptVersion',
        nullable: true,
        args: {
          number: t.arg.int({ validate: { min: 1 } }),
          label: t.arg.string({ validate: { schema: nameSchema(100) } }),
        },
        resolve: (prompt, { number = null, label = null }, { services }) =>
          services.prompts.version(prompt.id, { number, label }),
      }),
      labels: t.field({
        type: ['PromptLabel'],
        resolve: (prompt, _args, { loaders }) => loaders.labelsOfPrompt.load(prompt.id),
      }),
      labelChanges: t.field({
        type: changes,
        description: 'Each time a label was set or moved, newest first.',
        complexity: pageCost,
        args: pageArguments(t.arg),
        resolve: async (prompt, args, { services }) =>
          toConnection(await services.prompts.labelChanges(prompt.id, pageRequest(args))),
      }),
      experiment: t.field({
        type: 'Experiment',
        nullable: true,
        description: 'The one that runs, else the newest.',
        resolve: (prompt, _args, { loaders }) => loaders.experimentOfPrompt.load(prompt.id),
      }),
      plugin: t.string({ nullable: true, resolve: ({ definition }) => definition?.plugin }),
    }),
  });
  builder.objectType('PromptLabel', {
    fields: (t) => ({
      name: t.exposeString('name'),
      version: t.field({
        type: 'PromptVersion',
        resolve: async ({ versionId }, _args, { loaders }) =>
          loaded(await loaders.promptVersion.load(versionId), `prompt version ${versionId}`),
      }),
      updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
      updatedBy: t.exposeString('updatedBy'),
    }),
  });
}

function declareLabelChange(builder: Builder): void {
  builder.objectType('PromptLabelChange', {
    fields: (t) => ({
      label: t.exposeString('label'),
      version: t.field({
        type: 'PromptVersion',
        description: 'Where the label was moved to.',
        resolve: async ({ versionId }, _args, { loaders }) =>
          loaded(await loaders.promptVersion.load(versionId), `prompt version ${versionId}`),
      }),
      changedAt: t.expose('changedAt', { type: 'DateTime' }),
      changedBy: t.exposeString('changedBy', { description: 'A user, or "plugin:" and its name.' }),
    }),
  });
}

/** `Prompt`, its labels and their history, with the queries that find prompts. */
export function declarePrompt(builder: Builder): void {
  declarePromptType(builder);
  declareLabelChange(builder);
  const prompts = declareConnection(builder, 'Prompt');
  builder.queryFields((t) => ({
    prompt: t.field({
      type: 'Prompt',
      nullable: true,
      authScopes: { user: true, editor: true },
      args: { name: t.arg.string({ required: true, validate: { schema: nameSchema(100) } }) },
      resolve: (_root, { name }, { loaders }) => loaders.promptByName.load(name),
    }),
    prompts: t.field({
      type: prompts,
      authScopes: { user: true, editor: true },
      complexity: pageCost,
      args: {
        ...pageArguments(t.arg),
        search: t.arg.string({ validate: { schema: storableText(200) } }),
      },
      resolve: async (_root, { search = null, ...page }, { services }) =>
        toConnection(await services.prompts.list({ ...pageRequest(page), search })),
    }),
  }));
}
