import type { z } from 'zod';
import { isDomainError } from '../kernel/errors.ts';
import type { RegistryCheck } from '../kernel/registry/registry.ts';
import { outputJsonSchema } from './providers/output-schema.ts';

/** A line for each prompt and agent whose output no model can be asked for. */
export const checkOutputs: RegistryCheck = (registry) => [
  ...[...registry.prompts.values()].flatMap(({ output, ...whose }) =>
    problemsOf('prompt', whose, output),
  ),
  ...[...registry.agents.values()].flatMap(({ output, ...whose }) =>
    problemsOf('agent', whose, output),
  ),
];

function problemsOf(
  kind: 'prompt' | 'agent',
  { plugin, name }: { plugin: string; name: string },
  output: z.ZodType | undefined,
): string[] {
  try {
    if (output) outputJsonSchema(output);
    return [];
  } catch (error) {
    if (!isDomainError(error)) throw error;
    return [`plugin "${plugin}", ${kind} "${name}": ${error.message}`];
  }
}
