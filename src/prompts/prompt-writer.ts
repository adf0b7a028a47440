import type { Database, Queryable } from '../data/database.ts';
import { newId } from '../data/new-id.ts';
import { DomainError, type Issue } from '../kernel/errors.ts';
import type { Registry } from '../kernel/registry/registry.ts';
import { isStorable, promptNotFound, selectVersionsWhere, versionNotFound } from './prompt-rows.ts';
import { forgetPromptStates } from './prompt-state.ts';
import type { PromptLabelRecord, Prompts, PromptVersionRecord } from './prompts.ts';
import { checkWording } from './templates/check-wording.ts';

export interface VersionContent {
  template: string;
  system: string | null;
  model: string | null;
  maxTokens: number | null;
}

/** Locks the prompt until the transaction ends, so that numbers follow one another and labels move one at a time. */
async function lockPrompt(transaction: Queryable, name: string): Promise<string> {
  const [row] = isStorable(name)
    ? await transaction.query<{ id: string }>(
        'SELECT "id" FROM "Prompt" WHERE "name" = $1 FOR UPDATE',
        [name],
      )
    : [];
  if (!row) throw promptNotFound(name);
  return row.id;
}

/** Stores the next version of a prompt that the transaction holds the lock of. */
export async function insertVersion(
  transaction: Queryable,
  promptId: string,
  version: VersionContent & { outputFields?: string | null; notes: string | null; author: string },
): Promise<string> {
  const { template, system, model, maxTokens, outputFields = null, notes, author } = version;
  const id = newId();
  await transaction.query(
    `INSERT INTO "PromptVersion"
       ("id", "promptId", "number", "template", "system", "model", "maxTokens", "outputFields", "notes",
        "createdBy")
     SELECT $1, $2, COALESCE(MAX("number"), 0) + 1, $3, $4, $5, $6, $7, $8, $9
     FROM "PromptVersion" WHERE "promptId" = $2`,
    [id, promptId, template, system, model, maxTokens, outputFields, notes, author],
  );
  return id;
}

/** Points a label to a version and keeps the change in the history; nothing when it points there already. */
export async function moveLabel(
  transaction: Queryable,
  label: { promptId: string; name: string; versionId: string; author: string },
): Promise<PromptLabelRecord> {
  const { promptId, name, versionId, author } = label;
  const moved = await transaction.query<PromptLabelRecord>(
    `INSERT INTO "PromptLabel" ("promptId", "name", "versionId", "updatedBy")
     VALUES ($1, $2, $3, $4)
     ON CONFLICT ("promptId", "name") DO UPDATE
       SET "versionId" = EXCLUDED."versionId", "updatedAt" = now(), "updatedBy" = EXCLUDED."updatedBy"
       WHERE "PromptLabel"."versionId" <> EXCLUDED."versionId"
     RETURNING *`,
    [promptId, name, versionId, author],
  );
  if (moved[0]) {
    await transaction.query(
      `INSERT INTO "PromptLabelChange" ("id", "promptId", "label", "versionId", "changedBy")
       VALUES ($1, $2, $3, $4, $5)`,
      [newId(), promptId, name, versionId, author],
    );
    return moved[0];
  }
  const [kept] = await transaction.query<PromptLabelRecord>(
    'SELECT * FROM "PromptLabel" WHERE "promptId" = $1 AND "name" = $2',
    [promptId, name],
  );
  return kept as PromptLabelRecord;
}

const labelPattern = /^[A-Za-z0-9][\w.-]{0,62}$/;
const labelRule = 'a label has up to 63 letters, digits, ".", "_" and "-"';

type CreateInput = Parameters<Prompts['createVersion']>[0];

function inputIssues(input: CreateInput): Issue[] {
  const issues: Issue[] = [];
  for (const field of ['template', 'system', 'model', 'notes'] as const) {
    if (!isStorable(input[field] ?? '')) {
      issues.push({ path: [field], message: 'the character U+0000 cannot be stored' });
    }
  }
  const { maxTokens } = input;
  if (typeof maxTokens === 'number' && !(Number.isInteger(maxTokens) && maxTokens > 0)) {
    issues.push({ path: ['maxTokens'], message: 'must be a whole number above 0' });
  }
  if (typeof input.model === 'string' && input.model.trim() === '') {
    issues.push({ path: ['model'], message: 'names no model: leave it out for the default' });
  }
  for (const [index, label] of (input.labels ?? []).entries()) {
    if (!labelPattern.test(label)) {
      issues.push({ path: ['labels', String(index)], message: labelRule });
    }
  }
  return issues;
}

/** Publishes versions and moves labels. */
export function createPromptWriter(
  database: Database,
  registry: Registry,
): Pick<Prompts, 'createVersion' | 'setLabel'> {
  async function createVersion(input: CreateInput, author: string): Promise<PromptVersionRecord> {
    const { prompt: name, template, labels, notes = null } = input;
    const { system = null, model = null, maxTokens = null, outputFields = null } = input;
    const definition = registry.prompts.get(name);
    if (!definition) {
      throw promptNotFound(name, `No plugin of this server registers a prompt "${name}".`);
    }
    const issues = [
      ...inputIssues(input),
      ...checkWording(definition, { template, system }).issues,
    ];
    if (issues.length > 0) {
      const details = { issues };
      throw new DomainError('TEMPLATE_INVALID', 'The version does not fit the prompt.', {
        details,
      });
    }
    const content = { template, system, model, maxTokens, outputFields, notes, author };
    const id = await database.transaction(async (transaction) => {
      const promptId = await lockPrompt(transaction, name);
      const versionId = await insertVersion(transaction, promptId, content);
      for (const label of new Set(labels)) {
        await moveLabel(transaction, { promptId, name: label, versionId, author });
      }
      return versionId;
    });
    forgetPromptStates(database);
    const [version] = await selectVersionsWhere(database, 'v."id" = $1', [id]);
    return version as PromptVersionRecord;
  }

  async function setLabel(
    { prompt: name, label, version: number }: Parameters<Prompts['setLabel']>[0],
    author: string,
  ): Promise<PromptLabelRecord> {
    if (!labelPattern.test(label)) {
      throw new DomainError('NOT_FOUND', `"${label}" can be no label: ${labelRule}.`);
    }
    const moved = await database.transaction(async (transaction) => {
      const promptId = await lockPrompt(transaction, name);
      const [version] = await transaction.query<{ id: string }>(
        'SELECT "id" FROM "PromptVersion" WHERE "promptId" = $1 AND "number" = $2',
        [promptId, number],
      );
      if (!version) throw versionNotFound(name, number);
      return moveLabel(transaction, { promptId, name: label, versionId: version.id, author });
    });
    forgetPromptStates(database);
    return moved;
  }

  return { createVersion, setLabel };
}
