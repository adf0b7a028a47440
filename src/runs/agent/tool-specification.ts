import { z } from 'zod';
import { messageOf } from '../../kernel/message-of.ts';
import type { ToolSpecification } from '../../kernel/model.ts';
import type { RegistryCheck } from '../../kernel/registry/registry.ts';
import type { AnyTool } from '../../kernel/tool.ts';
import { rootObject } from '../../kernel/tools/root-object.ts';

const specifications = new WeakMap<AnyTool, ToolSpecification>();

/**
 * A tool as the model is given it. Made once: the same bytes every turn keep the provider's prompt cache warm.
 * Throws, with the place, for an input that JSON Schema cannot express.
 */
export function toolSpecification(tool: AnyTool): ToolSpecification {
  const known = specifications.get(tool);
  if (known) return known;
  const { $schema: _, ...inputSchema } = z.toJSONSchema(tool.input, {
    io: 'input',
    unrepresentable: ({ zodSchema, path, message }) => {
      const { def } = zodSchema._zod;
      if (def.type !== 'date') throw new Error(`${placeOf(path)}: ${message}`);
      if (def.coerce) return { type: 'string', format: 'date-time' };
      throw new Error(`${placeOf(path)}: a model gives dates as text: use z.coerce.date()`);
    },
  });
  const { name, description } = tool;
  const made = { name, description, inputSchema: rootObject(inputSchema) };
  specifications.set(tool, made);
  return made;
}

/** A path in a JSON Schema as the author would write it: properties.when.items → input.when. */
const placeOf = (path: readonly (string | number)[]): string =>
  ['input', ...path.filter((_, index) => path[index - 1] === 'properties')].join('.');

/** A line for each tool whose input no model can be given. */
export const checkToolInputs: RegistryCheck = (registry) =>
  [...registry.tools.values()].flatMap((tool) => {
    try {
      toolSpecification(tool);
      return [];
    } catch (error) {
      const why = messageOf(error);
      return [`plugin "${tool.plugin}", tool "${tool.name}": ${why}`];
    }
  });
