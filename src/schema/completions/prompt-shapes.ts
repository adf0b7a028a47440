import type { AnyPrompt } from '../../kernel/prompt.ts';
import { pascalCase } from '../../kernel/registry/names.ts';
import type { Registered, Registry, RegistryCheck } from '../../kernel/registry/registry.ts';
import { namedShapes } from '../zod/named-shapes.ts';
import { partialName } from '../zod/partial-name.ts';
import type { Slot, TypeShape } from '../zod/type-shape.ts';
import { InexpressibleError, ZodPlace } from '../zod/zod-place.ts';
import { slotOf } from '../zod/zod-shape.ts';

/** A registered prompt with its variables and output as GraphQL says them. */
export interface PromptShape {
  prompt: Registered<AnyPrompt>;
  /** Null where the prompt takes no variables. */
  variables: Slot | null;
  /** Null where the prompt declares no output. */
  output: Slot | null;
}

/** The slot, with a description of its object if the schema has none. */
function described(slot: Slot, description: string): Slot {
  const { shape } = slot;
  if (shape.kind === 'object') shape.description ??= description;
  return slot;
}

function shapeOf(prompt: Registered<AnyPrompt>): PromptShape {
  const { name, variables, output } = prompt;
  const type = pascalCase(name);
  const takesNone = Object.keys(variables.shape).length === 0;
  return {
    prompt,
    variables: takesNone
      ? null
      : described(
          slotOf(variables, ZodPlace.root('input', 'variables', `${type}Variables`)),
          `Variables of the prompt "${name}".`,
        ),
    output: output
      ? described(
          slotOf(output, ZodPlace.root('output', 'output', `${type}Output`)),
          `Output of the prompt "${name}".`,
        )
      : null,
  };
}

const placeOf = ({ plugin, name }: Registered<AnyPrompt>): string =>
  `plugin "${plugin}", prompt "${name}"`;

/** Every GraphQL type that a prompt adds. */
function typeNamesOf({ prompt, variables, output }: PromptShape): string[] {
  const type = pascalCase(prompt.name);
  const seen = new Set<TypeShape>();
  const parts = [variables, output].flatMap((slot) => slot?.shape ?? []);
  const nested = parts.flatMap((shape) => namedShapes(shape, seen));
  const partials = (output ? namedShapes(output.shape) : []).map(({ name }) => partialName(name));
  return [`${type}Completion`, `${type}Result`, ...nested.map((shape) => shape.name), ...partials];
}

function* nameProblems(shapes: readonly PromptShape[]): Iterable<string> {
  const owners = new Map<string, string>();
  for (const shape of shapes) {
    const place = placeOf(shape.prompt);
    for (const name of typeNamesOf(shape)) {
      const owner = owners.get(name);
      if (owner !== undefined) {
        const other = owner === place ? 'of its own' : `of ${owner}`;
        yield `${place}: its GraphQL type ${name} is also the name of a type ${other}: rename a property`;
      }
      owners.set(name, place);
    }
  }
}

/** The shapes of all prompts, and a line for each that GraphQL cannot say, naming plugin, prompt and path. */
export function readPromptShapes({ prompts }: Registry): {
  shapes: PromptShape[];
  problems: string[];
} {
  const shapes: PromptShape[] = [];
  const problems: string[] = [];
  for (const prompt of prompts.values()) {
    try {
      shapes.push(shapeOf(prompt));
    } catch (error) {
      if (!(error instanceof InexpressibleError)) throw error;
      problems.push(`${placeOf(prompt)}, ${error.message}`);
    }
  }
  return { shapes, problems: [...problems, ...nameProblems(shapes)] };
}

/** Problems of prompts that GraphQL cannot express. The schema's own check of a registry, before the server starts. */
export const checkPromptTypes: RegistryCheck = (registry) => readPromptShapes(registry).problems;
