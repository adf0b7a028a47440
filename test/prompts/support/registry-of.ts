import { definePlugin } from '../../../src/kernel/plugin.ts';
import type { AnyPrompt } from '../../../src/kernel/prompt.ts';
import { createRegistry } from '../../../src/kernel/registry/create-registry.ts';
import type { Registry } from '../../../src/kernel/registry/registry.ts';
import { checkPrompts } from '../../../src/prompts/check-prompts.ts';
import { testLog } from '../../support/test-log.ts';

/** A server's registry with one plugin, "letters", that brings these prompts. */
export function registryOf(...prompts: AnyPrompt[]): Promise<Registry> {
  const plugin = definePlugin({ name: 'letters', version: '1.0.0', setup: () => ({ prompts }) });
  const services = { log: testLog, knowledge: { search: async () => [] } };
  return createRegistry([plugin()], services, [checkPrompts]);
}
