import type { z } from 'zod';

export interface PromptExample<
  Variables extends z.ZodObject,
  Output extends z.ZodType | undefined,
> {
  variables: z.input<Variables>;
  /** The expected answer: a value of the output schema, or text without one. */
  answer: Output extends z.ZodType ? z.input<Output> : string;
}

export interface PromptDefinition<
  Variables extends z.ZodObject = z.ZodObject,
  Output extends z.ZodType | undefined = z.ZodType | undefined,
> {
  /** lower snake_case, unique over all plugins; the GraphQL field is its camelCase. */
  name: string;
  description: string;
  variables: Variables;
  output?: Output;
  /**
   * Output fields that others need: `{ verdict: ['reasoning'] }` makes the model write `reasoning` first, also for a caller
   * who selects `verdict` alone. Names of the output object's own fields.
   */
  requires?: Output extends z.ZodObject
    ? { [Field in keyof Output['shape']]?: readonly (keyof Output['shape'])[] }
    : Readonly<Record<string, readonly string[]>>;
  /** LiquidJS, over the variables: version 1 of the wording. Later versions are data. */
  template: string;
  /** LiquidJS over the variables, too. */
  system?: string;
  model?: string;
  /** Default 1,024. */
  maxTokens?: number;
  /** Shown to the model as earlier turns of the conversation, rendered with the same template. */
  examples?: PromptExample<Variables, Output>[];
  /** `true` lets the model think before it answers (chain of thought); the thinking streams as its own events. */
  reasoning?: boolean;
  /** May answers be served from the response cache? Default true. */
  cache?: boolean;
  /**
   * One more model call that repairs an answer that does not match the output schema. No text is emitted before the answer matches.
   * Default false.
   */
  repair?: boolean;
}

export type AnyPrompt = PromptDefinition;

/** Declares a prompt: name, variables and output are the contract; the template is only its first wording. */
export function definePrompt<
  Variables extends z.ZodObject,
  Output extends z.ZodType | undefined = undefined,
>(definition: PromptDefinition<Variables, Output>): PromptDefinition<Variables, Output> {
  return definition;
}
