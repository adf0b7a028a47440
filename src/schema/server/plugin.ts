import type { AnyAgent } from '../../kernel/agent.ts';
import type { Registered, Registry } from '../../kernel/registry/registry.ts';
import type { AnyTool } from '../../kernel/tool.ts';
import type { PromptRecord } from '../../prompts/prompts.ts';
import type { Builder } from '../builder.ts';
import type { Services } from '../services.ts';
import { toJsonSchema } from '../zod/json-schema.ts';

const byPlugin = <Definition extends { plugin: string }>(
  definitions: ReadonlyMap<string, Definition>,
  plugin: string,
): Definition[] => [...definitions.values()].filter((definition) => definition.plugin === plugin);

const isPrompt = (prompt: PromptRecord | Error | null): prompt is PromptRecord =>
  prompt !== null && !(prompt instanceof Error);

/** The model an agent runs on; its own name for it where no provider of this server has it. */
function modelOf({ model }: AnyAgent, { models }: Services): string {
  try {
    return models.resolve(model);
  } catch (error) {
    if (model === undefined) throw error;
    return model;
  }
}

const toolsOf = ({ tools }: AnyAgent, registry: Registry): Registered<AnyTool>[] =>
  tools.flatMap((name) => registry.tools.get(name) ?? []);

function declarePluginType(builder: Builder): void {
  builder.objectType('Plugin', {
    description: 'A plugin of this server, with its definitions.',
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Unique name.' }),
      version: t.exposeString('version', { description: 'Version of the plugin.' }),
      description: t.exposeString('description', {
        nullable: true,
        description: 'What the plugin is for.',
      }),
      tools: t.field({
        type: ['Tool'],
        description: 'Tools that the plugin defines.',
        resolve: ({ name }, _args, { services }) => byPlugin(services.registry.tools, name),
      }),
      prompts: t.field({
        type: ['Prompt'],
        description: 'Prompts that the plugin defines.',
        resolve: async ({ name }, _args, { services, loaders }) => {
          const names = byPlugin(services.registry.prompts, name).map((prompt) => prompt.name);
          return (await Promise.all(names.map((key) => loaders.promptByName.load(key)))).filter(
            isPrompt,
          );
        },
      }),
      agents: t.field({
        type: ['Agent'],
        description: 'Agents that the plugin defines.',
        resolve: ({ name }, _args, { services }) => byPlugin(services.registry.agents, name),
      }),
      rerankers: t.field({
        type: ['Reranker'],
        description: 'Rerankers that the plugin defines.',
        resolve: ({ name }, _args, { services }) => byPlugin(services.registry.rerankers, name),
      }),
    }),
  });
}

function declareAgent(builder: Builder): void {
  builder.objectType('Agent', {
    description: 'A model with instructions and tools that works in turns.',
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Unique name, as `runAgent` takes it.' }),
      description: t.exposeString('description', { description: 'What the agent is for.' }),
      tools: t.field({
        type: ['Tool'],
        description: 'Tools that the agent may call.',
        resolve: (agent, _args, { services }) => toolsOf(agent, services.registry),
      }),
      model: t.string({
        description: 'The model that it runs on by default.',
        resolve: (agent, _args, { services }) => modelOf(agent, services),
      }),
      maxTurns: t.int({
        description: 'Default maximum of turns.',
        resolve: ({ maxTurns = 10 }) => maxTurns,
      }),
      plugin: t.exposeString('plugin', { description: 'The plugin that defines it.' }),
    }),
  });
}

function declareParts(builder: Builder): void {
  builder.objectType('Reranker', {
    description: 'Reorders found passages. Named by `rerank` of a search or a question.',
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Unique name.' }),
      description: t.exposeString('description', { description: 'What the reranker does.' }),
      plugin: t.exposeString('plugin', { description: 'The plugin that defines it.' }),
    }),
  });
  builder.objectType('Tool', {
    description: 'A function that agents and MCP clients can call.',
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Unique name.' }),
      description: t.exposeString('description', {
        description: 'What the tool does, as the model reads it.',
      }),
      inputSchema: t.field({
        type: 'JSON',
        description: 'JSON Schema of the input.',
        resolve: ({ input }) => toJsonSchema(input, 'input'),
      }),
      outputSchema: t.field({
        type: 'JSON',
        nullable: true,
        description: 'JSON Schema of the output.',
        resolve: ({ output }) => toJsonSchema(output, 'output'),
      }),
      needsApproval: t.boolean({
        description:
          'Whether a person must approve a call. Also true if that depends on the input.',
        resolve: ({ needsApproval = false }) => needsApproval !== false,
      }),
      plugin: t.exposeString('plugin', { description: 'The plugin that defines it.' }),
    }),
  });
  declareAgent(builder);
}

/** Plugins, and the tools, agents and rerankers that they define. */
export function declarePlugin(builder: Builder): void {
  declarePluginType(builder);
  declareParts(builder);
  builder.queryFields((t) => ({
    plugins: t.field({
      type: ['Plugin'],
      description: 'Lists the plugins of this server.',
      authScopes: { member: true },
      resolve: (_root, _args, { services }) => services.registry.plugins,
    }),
    tools: t.field({
      type: ['Tool'],
      description: 'Lists the tools of all plugins.',
      authScopes: { member: true },
      resolve: (_root, _args, { services }) => [...services.registry.tools.values()],
    }),
    agents: t.field({
      type: ['Agent'],
      description: 'Lists the agents of all plugins.',
      authScopes: { member: true },
      resolve: (_root, _args, { services }) => [...services.registry.agents.values()],
    }),
  }));
}
