import type { Registry } from '../../kernel/registry/registry.ts';
import { StartupError } from '../../kernel/startup-error.ts';
import type { NamedPrompt } from '../../prompts/prompts.ts';
import type { Builder, InputFields } from '../builder.ts';
import { PartialTypes } from '../zod/partial-types.ts';
import { ShapeTypes } from '../zod/shape-to-types.ts';
import type { ObjectShape } from '../zod/type-shape.ts';
import { declarePartialOutput } from './partial-output.ts';
import { PromptField } from './prompt-field.ts';
import { type PromptShape, readPromptShapes } from './prompt-shapes.ts';

/** Every registered prompt as a typed part of the schema. */
export interface PromptFields {
  /** The field that each prompt adds to `PromptInput`, by the prompt's name. */
  inputFields(t: InputFields): Record<string, ReturnType<PromptField['inputField']>>;
  /** The prompt whose field is set, with its variables as its zod schema takes them. */
  namedPrompt(input: object): NamedPrompt;
  /** Declares their types, mutations and subscriptions. */
  declare(): void;
}

/** The output of each prompt that answers with an object, by the prompt's name. */
function objectOutputs(shapes: readonly PromptShape[]): Map<string, ObjectShape> {
  return new Map(
    shapes.flatMap(({ prompt, output }) =>
      output?.shape.kind === 'object' ? [[prompt.name, output.shape] as const] : [],
    ),
  );
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
      declarePartialOutput(builder, new PartialTypes(builder, types), objectOutputs(shapes));
    },
  };
}
