import type { Registry } from '../../kernel/registry/registry.ts';
import { StartupError } from '../../kernel/startup-error.ts';
import type { NamedPrompt } from '../../prompts/prompts.ts';
import type { Builder, InputFields } from '../builder.ts';
import { ShapeTypes } from '../zod/shape-to-types.ts';
import { PromptField } from './prompt-field.ts';
import { readPromptShapes } from './prompt-shapes.ts';

/** Every registered prompt as a typed part of the schema. */
export interface PromptFields {
  /** What each adds to `PromptInput`, named after it. */
  inputFields(t: InputFields): Record<string, ReturnType<PromptField['inputField']>>;
  /** The prompt whose field is set, with its variables as its zod schema takes them. */
  namedPrompt(input: object): NamedPrompt;
  /** Declares their types, mutations and subscriptions. */
  declare(): void;
}

/** Throws a `StartupError` that lists what of the prompts' schemas GraphQL cannot say. */
export function createPromptFields(builder: Builder, registry: Registry): PromptFields {
  const { shapes, problems } = readPromptShapes(registry);
  if (problems.length > 0) throw new StartupError(problems);
  const types = new ShapeTypes(builder);
  const fields = shapes.map((shape) => new PromptField(shape, types));
  const byName = new Map(fields.map((field) => [field.name, field]));
  return {
    inputFields: (t) =>
      Object.fromEntries(fields.map((field) => [field.name, field.inputField(t)])),
    namedPrompt: (input) => {
      const [[name, variables] = ['', null]] = Object.entries(input).filter(
        ([, value]) => value != null,
      );
      const field = byName.get(name);
      if (!field) throw new Error(`PromptInput has no field "${name}"`);
      return field.named(variables);
    },
    declare: () => {
      for (const field of fields) field.declare(builder);
    },
  };
}
