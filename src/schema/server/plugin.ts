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
    fields: (t) => ({
      name: t.exposeString('name'),
      version: t.exposeString('version'),
      description: t.exposeString('description', { nullable: true }),
      tools: t.field({
        type: ['Tool'],
        resolve: ({ name }, _args, { services }) => byPlugin(services.registry.tools, name),
      }),
      prompts: t.field({
        type: ['Prompt'],
        resolve: async ({ name }, _args, { services, loaders }) => {
          const names = byPlugin(services.registry.prompts, name).map((prompt) => prompt.name);
          return (await Promise.all(names.map((key) => loaders.promptByName.load(key)))).filter(
            isPrompt,
          );
        },
      }),
      agents: t.field({
        type: ['Agent'],
        resolve: ({ name }, _args, { services }) => byPlugin(services.registry.agents, name),
      }),
      rerankers: t.field({
        type: ['Reranker'],
        resolve: ({ name }, _args, { services }) => byPlugin(services.registry.rerankers, name),
      }),
    }),
  });
}

function declareParts(builder: Builder): void {
  builder.objectType('Reranker', {
    description: 'Named by `rerank` of a search or a question.',
    fields: (t) => ({
      name: t.exposeString('name'),
      description: t.exposeString('description'),
      plugin: t.exposeString('plugin'),
    }),
  });
  builder.objectType('Tool', {
    fields: (t) => ({
      name: t.exposeString('name'),
      description: t.exposeString('description'),
      inputSchema: t.field({ type: 'JSON', resolve: ({ input }) => toJsonSchema(input, 'input') }),
      outputSchema: t.field({
        type: 'JSON',
        nullable: true,
        resolve: ({ output }) => toJsonSchema(output, 'output'),
      }),
      needsApproval: t.boolean({
        description: 'True also when it depends on the input.',
        resolve: ({ needsApproval = false }) => needsApproval !== false,
      }),
      plugin: t.exposeString('plugin'),
    }),
  });
  builder.objectType('Agent', {
    fields: (t) => ({
      name: t.exposeString('name'),
      description: t.exposeString('description'),
      tools: t.field({
        type: ['Tool'],
        resolve: (agent, _args, { services }) => toolsOf(agent, services.registry),
      }),
      model: t.string({ resolve: (agent, _args, { services }) => modelOf(agent, services) }),
      maxTurns: t.int({ resolve: ({ maxTurns = 10 }) => maxTurns }),
      plugin: t.exposeString('plugin'),
    }),
  });
}

/** What the plugins of this server bring. */
export function declarePlugin(builder: Builder): void {
  declarePluginType(builder);
  declareParts(builder);
  builder.queryFields((t) => ({
    plugins: t.field({
      type: ['Plugin'],
      authScopes: { member: true },
      resolve: (_root, _args, { services }) => services.registry.plugins,
    }),
    tools: t.field({
      type: ['Tool'],
      authScopes: { member: true },
      resolve: (_root, _args, { services }) => [...services.registry.tools.values()],
    }),
    agents: t.field({
      type: ['Agent'],
      authScopes: { member: true },
      resolve: (_root, _args, { services }) => [...services.registry.agents.values()],
    }),
  }));
}
