import { LRUCache } from 'lru-cache';
import type { Database } from '../data/database.ts';
import { assignVariant } from './experiments/assign-variant.ts';
import { isStorable, promptNotFound, selectVersionsWhere, versionNotFound } from './prompt-rows.ts';
import { createStateReader } from './prompt-state.ts';
import type { Assignment, ExperimentRecord, NamedPrompt, PromptVersionRecord } from './prompts.ts';
import { type ParsedTemplate, parseTemplate } from './templates/parse-template.ts';

export interface LoadedVersion {
  record: PromptVersionRecord;
  template: ParsedTemplate;
  system: ParsedTemplate | null;
}

export interface ResolvedPrompt {
  version: LoadedVersion;
  assignment: Assignment | null;
}

/** Versions never change, so one that was read is kept, parsed. */
function createVersionLoader(database: Database): (id: string) => Promise<LoadedVersion> {
  return loaderOf(
    new LRUCache<string, LoadedVersion>({
      maxSize: 10_000_000,
      sizeCalculation: ({ record }) =>
        1_000 + record.template.length + (record.system?.length ?? 0),
      fetchMethod: async (id) => {
        const [record] = await selectVersionsWhere(database, 'v."id" = $1', [id]);
        if (!record) throw new Error(`prompt version ${id} is labelled but not there`);
        const template = parseTemplate(record.template);
        return { record, template, system: record.system ? parseTemplate(record.system) : null };
      },
    }),
  );
}

const loaderOf =
  (cache: LRUCache<string, LoadedVersion>) =>
  async (id: string): Promise<LoadedVersion> => {
    const version = await cache.fetch(id);
    if (!version) throw new Error(`prompt version ${id} was not kept`);
    return version;
  };

const toAssignment = (
  experiment: Pick<ExperimentRecord, 'id' | 'name' | 'variants'>,
  subject: string,
): Assignment => {
  const { name, versionId } = assignVariant(experiment.name, experiment.variants, subject);
  return { experimentId: experiment.id, experiment: experiment.name, variant: name, versionId };
};

export interface PromptResolver {
  /**
   * The version of a call, by its number (read once), else by the labels and the running experiment as they stand now
   * (see `createStateReader`). Rejects with PROMPT_NOT_FOUND.
   */
  resolve(prompt: NamedPrompt, subject: string): Promise<ResolvedPrompt>;
  assign(experiment: ExperimentRecord, subject: string): Assignment;
}

export function createPromptResolver(database: Database): PromptResolver {
  const readState = createStateReader(database);
  const loadVersion = createVersionLoader(database);
  /** Numbers are given out once: "name number" stands for one version for ever. */
  const idsByNumber = new LRUCache<string, string>({ max: 10_000 });

  async function byNumber(name: string, number: number): Promise<LoadedVersion> {
    const key = `${number} ${name}`;
    let id = idsByNumber.get(key);
    if (id === undefined) {
      const [row] = isStorable(name)
        ? await database.query<{ id: string }>(
            `SELECT v."id" FROM "PromptVersion" v JOIN "Prompt" p ON p."id" = v."promptId"
             WHERE p."name" = $1 AND v."number" = $2`,
            [name, number],
          )
        : [];
      if (!row) throw promptNotFound(name, versionNotFound(name, number).message);
      id = row.id;
      idsByNumber.set(key, id);
    }
    return loadVersion(id);
  }

  async function resolve(prompt: NamedPrompt, subject: string): Promise<ResolvedPrompt> {
    const { name, version: number = null, label = null } = prompt;
    if (number !== null) return { version: await byNumber(name, number), assignment: null };
    const state = await readState(name);
    if (!state) throw promptNotFound(name);
    if (label === null && state.experiment) {
      const assignment = toAssignment(state.experiment, subject);
      return { version: await loadVersion(assignment.versionId), assignment };
    }
    const wanted = label ?? 'production';
    const id = Object.hasOwn(state.labels, wanted) ? state.labels[wanted] : undefined;
    if (id === undefined) {
      const labels = Object.keys(state.labels).sort().join(', ') || 'none';
      throw promptNotFound(
        name,
        `The prompt "${name}" has no label "${wanted}" (it has: ${labels}).`,
      );
    }
    return { version: await loadVersion(id), assignment: null };
  }

  return { resolve, assign: toAssignment };
}
