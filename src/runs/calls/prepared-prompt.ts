import type { z } from 'zod';
import type { Message } from '../../kernel/model.ts';
import type { OutputSelection } from '../../kernel/output-selection.ts';
import type { CacheMode, OutputFields } from '../../kernel/run.ts';
import type { ModelName, Models } from '../../model/models.ts';
import type { NamedPrompt, Prompts } from '../../prompts/prompts.ts';
import type { Requirements } from '../output/select-output.ts';
import type { CompletionRequest, PromptChoice, RunOptions } from '../runs.ts';
import { chosenMessages } from './chosen-messages.ts';
import type { CallRequest } from './metered-call.ts';

/** A prompt as it will be sent, whoever worded it. */
export interface PreparedPrompt {
  system: string | null;
  messages: Message[];
  model: string | null;
  maxTokens: number | null;
  outputSchema: z.ZodType | null;
  /** What is asked of the output on the prompt's own field. */
  outputSelection: OutputSelection | null;
  /** What the version asks for when the caller does not say. */
  outputFields: OutputFields | null;
  /** Output fields that others need to be written first. */
  requires: Requirements;
  thinking: boolean;
  cacheable: boolean;
  repair: boolean;
  name: string | null;
  promptVersionId: string | null;
  experimentId: string | null;
  variant: string | null;
}

/** Output tokens of a call that says nothing about them. */
const defaultMaxTokens = 1_024;

const unnamed = {
  system: null,
  model: null,
  maxTokens: null,
  outputSchema: null,
  outputSelection: null,
  outputFields: null,
  requires: {},
  thinking: false,
  cacheable: true,
  repair: false,
  name: null,
  promptVersionId: null,
  experimentId: null,
  variant: null,
};

/** Rejects with PROMPT_NOT_FOUND or PROMPT_VARIABLES_INVALID. */
export async function preparePrompt(
  choice: PromptChoice,
  subject: string,
  prompts: Prompts,
): Promise<PreparedPrompt> {
  if ('named' in choice) return prepareNamed(choice.named, subject, prompts);
  return { ...unnamed, messages: chosenMessages(choice) };
}

export async function prepareNamed(
  prompt: NamedPrompt,
  subject: string,
  prompts: Prompts,
): Promise<PreparedPrompt> {
  const { definition, version, assignment, system, messages } = await prompts.render(
    prompt,
    subject,
  );
  return {
    system,
    messages,
    model: version.model ?? definition.model ?? null,
    maxTokens: version.maxTokens ?? definition.maxTokens ?? null,
    outputSchema: definition.output ?? null,
    outputSelection: null,
    outputFields: version.outputFields,
    requires: (definition.requires ?? {}) as Requirements,
    thinking: definition.reasoning ?? false,
    cacheable: definition.cache ?? true,
    repair: definition.repair ?? false,
    name: definition.name,
    promptVersionId: version.id,
    experimentId: assignment?.experimentId ?? null,
    variant: assignment?.variant ?? null,
  };
}

/** The call that asks it of a model. */
export function callOf(
  prompt: PreparedPrompt,
  asked: Pick<CompletionRequest, 'system' | 'maxTokens'> = {},
): CallRequest['call'] {
  const system = asked.system ?? prompt.system;
  return {
    messages: prompt.messages,
    maxTokens: asked.maxTokens ?? prompt.maxTokens ?? defaultMaxTokens,
    ...(system ? { system } : {}),
    ...(prompt.outputSchema ? { outputSchema: prompt.outputSchema } : {}),
    ...(prompt.thinking ? { thinking: true } : {}),
  };
}

/** May its answer come from the cache, and be kept there? */
export const cacheModeOf = ({ cacheable }: PreparedPrompt, { cache }: RunOptions): CacheMode =>
  cacheable ? (cache ?? 'DEFAULT') : 'BYPASS';

/** The models to try in order: the one asked for, else the prompt's, else the server's; then the fallbacks. */
export function chainOf(
  asked: Pick<CompletionRequest, 'model'>,
  { prompt, options, models }: { prompt: string | null; options: RunOptions; models: Models },
): ModelName[] {
  const first = models.resolve(asked.model ?? prompt);
  const fallbacks = (options.fallbackModels ?? []).map((name) => models.resolve(name));
  return [...new Set([first, ...fallbacks])];
}
