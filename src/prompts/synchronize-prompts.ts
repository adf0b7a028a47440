import type { Database, Queryable } from '../data/database.ts';
import { newId } from '../data/new-id.ts';
import type { Log } from '../kernel/log.ts';
import type { AnyPrompt } from '../kernel/prompt.ts';
import type { Registered, Registry } from '../kernel/registry/registry.ts';
import { selectVersionsWhere } from './prompt-rows.ts';
import { forgetPromptStates } from './prompt-state.ts';
import { insertVersion, moveLabel, type VersionContent } from './prompt-writer.ts';
import { checkWording } from './templates/check-wording.ts';

interface StoredVersion extends VersionContent {
  id: string;
  createdBy: string;
}

interface StoredPrompt {
  id: string;
  name: string;
  versions: StoredVersion[];
  production: { versionId: string; updatedBy: string } | null;
}

const byPlugin = (author: string): boolean => author.startsWith('plugin:');

async function readStored(queryable: Queryable, names: readonly string[]): Promise<StoredPrompt[]> {
  return queryable.query<StoredPrompt>(
    `SELECT p."id", p."name",
       COALESCE((SELECT json_agg(json_build_object('id', v."id", 'createdBy', v."createdBy",
           'template', v."template", 'system', v."system", 'model', v."model",
           'maxTokens', v."maxTokens") ORDER BY v."number" DESC)
         FROM "PromptVersion" v
         WHERE v."promptId" = p."id" AND v."createdBy" LIKE 'plugin:%'), '[]') AS "versions",
       (SELECT json_build_object('versionId', l."versionId", 'updatedBy', l."updatedBy")
         FROM "PromptLabel" l
         WHERE l."promptId" = p."id" AND l."name" = 'production') AS "production"
     FROM "Prompt" p WHERE p."name" = ANY($1::text[])`,
    [names],
  );
}

const contentOf = (prompt: AnyPrompt): VersionContent => ({
  template: prompt.template,
  system: prompt.system ?? null,
  model: prompt.model ?? null,
  maxTokens: prompt.maxTokens ?? null,
});

const sameContent = (one: VersionContent, other: VersionContent): boolean =>
  one.template === other.template &&
  one.system === other.system &&
  one.model === other.model &&
  one.maxTokens === other.maxTokens;

/**
 * What is to be done so that the plugin's wording is stored and in force. `production` follows it as long as it points
 * to a version of the plugin; a wording that was stored before moves it only if the plugin put it there, because then
 * whoever moved it since did so on purpose (a rollback must survive a restart).
 */
function plan(stored: StoredPrompt | undefined, prompt: AnyPrompt): Plan {
  const known = stored?.versions.find((version) => sameContent(version, contentOf(prompt)));
  const production = stored?.production ?? null;
  const ofPlugin = stored?.versions.some(({ id }) => id === production?.versionId) ?? false;
  if (!known) return { insert: true, move: production === null || ofPlugin, known: null };
  const behind = production?.versionId !== known.id;
  const free = production === null || (ofPlugin && byPlugin(production.updatedBy));
  return { insert: false, move: behind && free, known: known.id };
}

interface Plan {
  insert: boolean;
  move: boolean;
  known: string | null;
}

async function synchronizePrompt(
  transaction: Queryable,
  prompt: Registered<AnyPrompt>,
): Promise<void> {
  await transaction.query(
    'INSERT INTO "Prompt" ("id", "name") VALUES ($1, $2) ON CONFLICT ("name") DO NOTHING',
    [newId(), prompt.name],
  );
  // Another server may be doing the same: whoever comes second sees what the first has done.
  await transaction.query('SELECT 1 FROM "Prompt" WHERE "name" = $1 FOR UPDATE', [prompt.name]);
  const [stored] = await readStored(transaction, [prompt.name]);
  if (!stored) throw new Error(`the prompt "${prompt.name}" vanished while it was stored`);
  const { insert, move, known } = plan(stored, prompt);
  const author = `plugin:${prompt.plugin}`;
  const versionId = insert
    ? await insertVersion(transaction, stored.id, { ...contentOf(prompt), notes: null, author })
    : known;
  if (move && versionId !== null) {
    await moveLabel(transaction, { promptId: stored.id, name: 'production', versionId, author });
  }
}

/** An admin's wording may be older than the contract of the plugin as it is now: calls of it are refused, so tell. */
async function warnOfMisfits(database: Database, registry: Registry, log: Log): Promise<void> {
  const labelled = await selectVersionsWhere(
    database,
    `v."id" IN (SELECT "versionId" FROM "PromptLabel") AND p."name" = ANY($1::text[])
     AND v."createdBy" NOT LIKE 'plugin:%'`,
    [[...registry.prompts.keys()]],
  );
  for (const version of labelled) {
    const prompt = registry.prompts.get(version.promptName);
    const issues = prompt ? checkWording(prompt, version).issues : [];
    if (issues.length === 0) continue;
    const fields = { prompt: version.promptName, version: version.number, issues };
    log.warn(fields, 'a labelled version does not fit the prompt as its plugin declares it now');
  }
}

/**
 * Stores the wording of every registered prompt that is not stored yet. Several servers may start at once; two queries
 * when there is nothing to do.
 */
export async function synchronizePrompts(
  database: Database,
  registry: Registry,
  log: Log,
): Promise<void> {
  const prompts = [...registry.prompts.values()];
  const stored = await readStored(
    database,
    prompts.map(({ name }) => name),
  );
  for (const prompt of prompts) {
    const { insert, move } = plan(
      stored.find(({ name }) => name === prompt.name),
      prompt,
    );
    if (!insert && !move) continue;
    await database.transaction((transaction) => synchronizePrompt(transaction, prompt));
    forgetPromptStates(database);
    log.debug({ promptName: prompt.name, plugin: prompt.plugin }, 'stored the wording of a plugin');
  }
  await warnOfMisfits(database, registry, log);
}
