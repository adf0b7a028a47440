import { z } from 'zod';
import type { ToolSpecification } from '../kernel/model.ts';
import type { AnyTool } from '../kernel/tool.ts';

const specifications = new WeakMap<AnyTool, ToolSpecification>();

/** A tool as the model is told of it. Made once: the same bytes every turn keep the provider's prompt cache warm. */
export function toolSpecification(tool: AnyTool): ToolSpecification {
  const known = specifications.get(tool);
  if (known) return known;
  const { $schema: _, ...inputSchema } = z.toJSONSchema(tool.input, { io: 'input' });
  const made = { name: tool.name, description: tool.description, inputSchema };
  specifications.set(tool, made);
  return made;
}
