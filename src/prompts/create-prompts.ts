import type { Database } from '../data/database.ts';
import { DomainError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Registry } from '../kernel/registry/registry.ts';
import { createExperimentStore } from './experiments/experiment-store.ts';
import { createVariantStatistics } from './experiments/variant-statistics.ts';
import { createPromptReader } from './prompt-reader.ts';
import { createPromptResolver } from './prompt-resolver.ts';
import { promptNotFound } from './prompt-rows.ts';
import { createPromptWriter } from './prompt-writer.ts';
import type { NamedPrompt, Prompts, RenderedPrompt } from './prompts.ts';
import { synchronizePrompts } from './synchronize-prompts.ts';
import { renderPrompt } from './templates/render-prompt.ts';

interface PromptsParts {
  database: Database;
  registry: Registry;
  log: Log;
}

/** Prompts whose contract is in the plugins and whose wording is in the database. */
export function createPrompts({ database, registry, log }: PromptsParts): Prompts {
  const reader = createPromptReader(database, registry);
  const { resolve, assign } = createPromptResolver(database);

  async function render(prompt: NamedPrompt, subject: string): Promise<RenderedPrompt> {
    const { name, version = null, label = null, variables } = prompt;
    const definition = registry.prompts.get(name);
    if (!definition) throw promptNotFound(name);
    if (version !== null && label !== null) {
      const message = 'give a version or a label, not both';
      throw new DomainError('PROMPT_VARIABLES_INVALID', `The prompt "${name}": ${message}.`, {
        details: { issues: [{ path: ['label'], message }] },
      });
    }
    return renderPrompt(definition, await resolve(prompt, subject), variables);
  }

  return {
    synchronize: () => synchronizePrompts(database, registry, log),
    render,
    get: (name) => reader.get(name),
    list: (request) => reader.list(request),
    promptsById: (ids) => reader.promptsById(ids),
    promptsByName: (names) => reader.promptsByName(names),
    versionsById: (ids) => reader.versionsById(ids),
    versions: (promptId, request) => reader.versions(promptId, request),
    version: (promptId, choice) => reader.version(promptId, choice),
    labels: (promptIds) => reader.labels(promptIds),
    labelChanges: (promptId, request) => reader.labelChanges(promptId, request),
    diff: (versionId, against) => reader.diff(versionId, against),
    ...createPromptWriter(database, registry),
    ...createExperimentStore(database),
    assign,
    variantStatistics: createVariantStatistics(database),
  };
}
