import type { ConfiguredPlugin, PluginServices } from '../kernel/plugin.ts';
import { parseTemplate } from '../prompts/templates/parse-template.ts';
import { parseVariables } from '../prompts/templates/render-prompt.ts';
import { silentServices } from './silent-services.ts';

export interface TryPromptOptions {
  services?: Partial<PluginServices>;
}

/** Renders the plugin's own wording of a prompt. Rejects as the server would, with PROMPT_VARIABLES_INVALID. */
export async function tryPrompt(
  plugin: ConfiguredPlugin,
  { prompt: name, variables }: { prompt: string; variables: unknown },
  { services }: TryPromptOptions = {},
): Promise<{ text: string; system: string | null }> {
  const parts = await plugin.setup(silentServices(services));
  try {
    const prompt = parts.prompts?.find((other) => other.name === name);
    if (!prompt) throw new Error(`plugin "${plugin.name}" has no prompt "${name}"`);
    const parsed = await parseVariables(prompt, variables);
    const system = prompt.system ? parseTemplate(prompt.system).render(parsed) : null;
    return { text: parseTemplate(prompt.template).render(parsed), system };
  } finally {
    await parts.close?.();
  }
}
