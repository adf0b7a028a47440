import type { PromptRecord } from '../../prompts/prompts.ts';
import type { Builder, ObjectFields } from '../builder.ts';
import { declareConnection, pageArguments, pageRequest, toConnection } from '../connection.ts';
import { pageCost } from '../limits/operation-limits.ts';
import { nameSchema } from '../name-schema.ts';
import { loaded } from '../results/loaded.ts';
import { storableText } from '../storable-text.ts';
import { toJsonSchema } from '../zod/json-schema.ts';

function declarePromptLabel(builder: Builder): void {
  builder.objectType('PromptLabel', {
    description: 'A movable name of a prompt version.',
    fields: (t) => ({
      name: t.exposeString('name', { description: 'The label.' }),
      version: t.field({
        type: 'PromptVersion',
        description: 'The version that it names.',
        resolve: async ({ versionId }, _args, { loaders }) =>
          loaded(await loaders.promptVersion.load(versionId), `prompt version ${versionId}`),
      }),
      updatedAt: t.expose('updatedAt', {
        type: 'DateTime',
        description: 'The time when it was last moved.',
      }),
      updatedBy: t.exposeString('updatedBy', {
        description: `A user id, or "plugin:" and the plugin's name.`,
      }),
    }),
  });
}

/** The contract, which is code. */
const contractFields = (t: ObjectFields<PromptRecord>) => ({
  name: t.exposeString('name', { description: 'Unique name.' }),
  description: t.string({
    description: 'What the prompt is for.',
    resolve: ({ definition }) => definition?.description ?? '',
  }),
  variablesSchema: t.field({
    type: 'JSON',
    description:
      'The contract, from code: JSON Schema of the variables, and of the output where the prompt has one.',
    resolve: ({ definition }) => (definition ? toJsonSchema(definition.variables, 'input') : {}),
  }),
  outputSchema: t.field({
    type: 'JSON',
    nullable: true,
    description: 'JSON Schema of the output; null if the prompt answers with text.',
    resolve: ({ definition }) =>
      definition?.output ? toJsonSchema(definition.output, 'output') : null,
  }),
  plugin: t.string({
    nullable: true,
    description: 'The plugin that defines it; null if no plugin of this server does.',
    resolve: ({ definition }) => definition?.plugin,
  }),
});

/** Which version is in force. */
const deploymentFields = (t: ObjectFields<PromptRecord>) => ({
  labels: t.field({
    type: ['PromptLabel'],
    description: 'Its labels.',
    resolve: (prompt, _args, { loaders }) => loaders.labelsOfPrompt.load(prompt.id),
  }),
  experiment: t.field({
    type: 'Experiment',
    nullable: true,
    description: 'The running experiment, else the newest.',
    resolve: (prompt, _args, { loaders }) => loaders.experimentOfPrompt.load(prompt.id),
  }),
});

function declarePromptType(builder: Builder): void {
  const versions = declareConnection(builder, 'PromptVersion');
  const changes = declareConnection(builder, 'PromptLabelChange');
  builder.node('Prompt', {
    description: 'A prompt with a fixed contract and versioned wordings.',
    id: { resolve: (prompt) => prompt.id },
    loadOne: (id, { loaders }) => loaders.prompt.load(id),
    fields: (t) => ({
      ...contractFields(t),

      versions: t.field({
        type: versions,
        description: 'Lists its versions, newest first.',
        complexity: pageCost,
        args: pageArguments(t.arg),
        resolve: async (prompt, args, { services }) =>
          toConnection(await services.prompts.versions(prompt.id, pageRequest(args))),
      }),
      version: t.field({
        type: 'PromptVersion',
        nullable: true,
        description: 'The version of this number or label. Default: the label "production".',
        args: {
          number: t.arg.int({ description: 'Number of the version.', validate: { min: 1 } }),
          label: t.arg.string({
            description: 'Label of the version.',
            validate: { schema: nameSchema(100) },
          }),
        },
        resolve: (prompt, { number = null, label = null }, { services }) =>
          services.prompts.version(prompt.id, { number, label }),
      }),
      ...deploymentFields(t),
      labelChanges: t.field({
        type: changes,
        description: 'Lists each time that a label was set or moved, newest first.',
        complexity: pageCost,
        args: pageArguments(t.arg),
        resolve: async (prompt, args, { services }) =>
          toConnection(await services.prompts.labelChanges(prompt.id, pageRequest(args))),
      }),
    }),
  });
  declarePromptLabel(builder);
}

function declareLabelChange(builder: Builder): void {
  builder.objectType('PromptLabelChange', {
    description: 'One move of a label.',
    fields: (t) => ({
      label: t.exposeString('label', { description: 'The label.' }),
      version: t.field({
        type: 'PromptVersion',
        description: 'The version that it was moved to.',
        resolve: async ({ versionId }, _args, { loaders }) =>
          loaded(await loaders.promptVersion.load(versionId), `prompt version ${versionId}`),
      }),
      changedAt: t.expose('changedAt', { type: 'DateTime', description: 'The time of the move.' }),
      changedBy: t.exposeString('changedBy', {
        description: `A user id, or "plugin:" and the plugin's name.`,
      }),
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
      description: 'Finds a prompt by its name.',
      authScopes: { user: true, editor: true },
      args: {
        name: t.arg.string({
          required: true,
          description: 'Name of the prompt.',
          validate: { schema: nameSchema(100) },
        }),
      },
      resolve: (_root, { name }, { loaders }) => loaders.promptByName.load(name),
    }),
    prompts: t.field({
      type: prompts,
      description: 'Lists prompts by name.',
      authScopes: { user: true, editor: true },
      complexity: pageCost,
      args: {
        ...pageArguments(t.arg),
        search: t.arg.string({
          description: 'Part of a name or description.',
          validate: { schema: storableText(200) },
        }),
      },
      resolve: async (_root, { search = null, ...page }, { services }) =>
        toConnection(await services.prompts.list({ ...pageRequest(page), search })),
    }),
  }));
}
