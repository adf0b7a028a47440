import { z } from 'zod';
import { messageOf } from '../kernel/message-of.ts';
import type { ConfiguredPlugin, PluginServices } from '../kernel/plugin.ts';
import { createRegistry } from '../kernel/registry/create-registry.ts';
import type { Registry } from '../kernel/registry/registry.ts';
import { StartupError } from '../kernel/startup-error.ts';
import type { AnyTool } from '../kernel/tool.ts';
import { checkOutputs } from '../model/check-outputs.ts';
import { checkPrompts } from '../prompts/check-prompts.ts';
import { checkToolInputs } from '../runs/agent/tool-specification.ts';
import { checkPromptTypes } from '../schema/completions/prompt-shapes.ts';
import { createSchema } from '../schema/create-schema.ts';
import { silentServices } from './silent-services.ts';

export interface CheckPluginOptions {
  /** Plugins that must be there besides, because an agent uses their tools. */
  beside?: readonly ConfiguredPlugin[];
  services?: Partial<PluginServices>;
}

function outputProblem(schema: z.ZodType): string | null {
  try {
    z.toJSONSchema(schema, {
      unrepresentable: ({ zodSchema }) => (zodSchema._zod.def.type === 'date' ? 'any' : 'throw'),
    });
    return null;
  } catch (error) {
    return `the output cannot be said in JSON Schema: ${messageOf(error)}`;
  }
}

/** A model fills in described properties reliably. It guesses at a bare name. */
function undescribedInputs(tool: AnyTool): string[] {
  return Object.entries(tool.input.shape)
    .filter(([, schema]) => !descriptionOf(schema))
    .map(([name]) => `input.${name} has no description: add .describe('…') for the model`);
}

function descriptionOf(schema: z.core.$ZodType): string | undefined {
  const described = z.globalRegistry.get(schema)?.description;
  const { def } = schema._zod;
  if (described !== undefined || !('innerType' in def)) return described;
  return descriptionOf(def.innerType as z.core.$ZodType);
}

function schemaProblems(registry: Registry, plugin: string): string[] {
  const problems: string[] = [];
  for (const tool of registry.tools.values()) {
    if (tool.plugin !== plugin) continue;
    const found = [outputProblem(tool.output), ...undescribedInputs(tool)];
    problems.push(...found.filter(Boolean).map((problem) => `tool "${tool.name}": ${problem}`));
  }
  return problems;
}

/**
 * Holds a plugin against what a server expects of one, without starting a server: it sets up, twice and with the same
 * parts, and closes again; names, descriptions, references, templates and examples are right; schemas can be told to
 * models and clients, and with what the plugin adds to it the GraphQL schema is sound. Resolves with a line for each problem: an empty list for a sound plugin.
 */
export async function checkPlugin(
  plugin: ConfiguredPlugin,
  { beside = [], services }: CheckPluginOptions = {},
): Promise<string[]> {
  const names: string[] = [];
  for (let start = 1; start <= 2; start++) {
    try {
      const lent = silentServices(services);
      const registry = await createRegistry([...beside, plugin], lent, [
        checkPrompts,
        checkPromptTypes,
        checkOutputs,
        checkToolInputs,
      ]);
      try {
        createSchema(registry);
        const problems = schemaProblems(registry, plugin.name);
        if (problems.length > 0) return problems;
      } finally {
        await registry.close();
      }
      const { tools, prompts, agents } = registry;
      names.push([...tools.keys(), ...prompts.keys(), ...agents.keys()].join());
    } catch (error) {
      if (error instanceof StartupError) return [...error.problems];
      throw error;
    }
  }
  return names[0] === names[1] ? [] : ['a second set-up gives other tools, prompts or agents'];
}
