import type { GetPromptResult, Prompt } from '@modelcontextprotocol/sdk/types.js';
import type { Caller } from '../../kernel/access/principal.ts';
import { assertAllows } from '../../kernel/access/scopes.ts';
import { isDomainError } from '../../kernel/errors.ts';
import type { Message } from '../../kernel/model.ts';
import type { AnyPrompt } from '../../kernel/prompt.ts';
import type { Services } from '../../schema/services.ts';
import { invalidParams } from './protocol-error.ts';
import { inputSchemaOf } from './tool-results.ts';

/** A prompt as MCP clients list it: every variable is an argument. */
export function promptListing({ name, description, variables }: AnyPrompt): Prompt {
  const { properties = {}, required = [] } = inputSchemaOf(variables);
  return {
    name,
    description,
    arguments: Object.entries(properties).map(([variable, schema]) => ({
      name: variable,
      ...('description' in schema ? { description: String(schema.description) } : {}),
      required: required.includes(variable),
    })),
  };
}

/** Arguments are always text: where the variable takes no text, they are read as JSON. */
function variablesOf({ variables }: AnyPrompt, given: Record<string, string>): object {
  const entries = Object.entries(given).map(([name, text]) => {
    const schema = variables.shape[name];
    if (!schema || (schema as typeof variables).safeParse(text).success) return [name, text];
    try {
      return [name, JSON.parse(text) as unknown];
    } catch {
      return [name, text];
    }
  });
  return Object.fromEntries(entries);
}

function toMessage({ role, content }: Message): GetPromptResult['messages'][number] {
  const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  return { role, content: { type: 'text', text } };
}

/**
 * The rendered messages, without a model call. MCP knows no system prompt: it goes first, as the user's. Throws
 * InvalidParams for an unknown prompt, one outside the caller's scopes, and for variables that are not of its contract.
 */
export async function renderPrompt(
  { name, arguments: given = {} }: { name: string; arguments?: Record<string, string> | undefined },
  { registry, prompts, caller }: Pick<Services, 'registry' | 'prompts'> & { caller: Caller },
): Promise<GetPromptResult> {
  const definition = registry.prompts.get(name);
  if (!definition) throw invalidParams(`There is no prompt "${name}".`);
  try {
    assertAllows(caller.scopes, 'prompts', name);
    const variables = variablesOf(definition, given);
    const { system, messages } = await prompts.render({ name, variables }, caller.userId);
    const first: Message[] = system
      ? [{ role: 'user', content: [{ type: 'text', text: system }] }]
      : [];
    return {
      description: definition.description,
      messages: [...first, ...messages].map(toMessage),
    };
  } catch (error) {
    if (!isDomainError(error)) throw error;
    const issues = isDomainError(error, 'PROMPT_VARIABLES_INVALID') ? error.details.issues : [];
    const lines = issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw invalidParams([error.message, ...lines].join(' '));
  }
}
