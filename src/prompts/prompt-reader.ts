import { createTwoFilesPatch } from 'diff';
import type { Database } from '../data/database.ts';
import { DomainError } from '../kernel/errors.ts';
import { pageOf, readPageRequest } from '../kernel/page-cursor.ts';
import type { Registry } from '../kernel/registry/registry.ts';
import { byId, byKey, isStorable, selectVersionsWhere, versionNotFound } from './prompt-rows.ts';
import type {
  PromptLabelChangeRecord,
  PromptLabelRecord,
  PromptRecord,
  Prompts,
  PromptVersionRecord,
} from './prompts.ts';

type PromptRow = Omit<PromptRecord, 'definition'>;
type Reader = Pick<
  Prompts,
  | 'get'
  | 'list'
  | 'promptsById'
  | 'promptsByName'
  | 'versionsById'
  | 'versions'
  | 'version'
  | 'labels'
  | 'labelChanges'
  | 'diff'
>;

/** A moment and an id. */
const changePattern =
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const maximumEdits = 4_000;

/** Two texts that differ all over would take minutes to compare line by line: they are shown as replaced. */
function unifiedDiff(before: PromptVersionRecord | null, after: PromptVersionRecord): string {
  const name = (version: PromptVersionRecord | null): string =>
    version ? `${version.promptName} version ${version.number}` : '/dev/null';
  const texts = [before?.template ?? '', after.template] as const;
  const patch = createTwoFilesPatch(name(before), name(after), ...texts, undefined, undefined, {
    maxEditLength: maximumEdits,
  });
  const lines = patch ?? createTwoFilesPatch(name(before), name(after), '', after.template);
  return lines.replace(/^=+\n/, '');
}

function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}

class PromptReader implements Reader {
  readonly #database: Database;
  readonly #registry: Registry;

  constructor(database: Database, registry: Registry) {
    this.#database = database;
    this.#registry = registry;
  }

  #record = (row: PromptRow): PromptRecord => ({
    ...row,
    definition: this.#registry.prompts.get(row.name) ?? null,
  });

  async promptsByName(names: readonly string[]): Promise<(PromptRecord | null)[]> {
    const sql = 'SELECT "id", "name", "createdAt" FROM "Prompt" WHERE "name" = ANY($1::text[])';
    return byKey(
      names,
      async (known) => (await this.#database.query<PromptRow>(sql, [known])).map(this.#record),
      (prompt) => prompt.name,
    );
  }

  async promptsById(ids: readonly string[]): Promise<(PromptRecord | null)[]> {
    const sql = 'SELECT "id", "name", "createdAt" FROM "Prompt" WHERE "id" = ANY($1::uuid[])';
    return byId(ids, async (known) =>
      (await this.#database.query<PromptRow>(sql, [known])).map(this.#record),
    );
  }

  async get(name: string): Promise<PromptRecord | null> {
    return (await this.promptsByName([name]))[0] ?? null;
  }

  async list(request: Parameters<Prompts['list']>[0]): ReturnType<Prompts['list']> {
    const start = readPageRequest(request, /^[^\0]{1,200}$/);
    const search = request.search?.trim() ?? '';
    const described = [...this.#registry.prompts.values()]
      .filter(({ description }) => description.toLowerCase().includes(search.toLowerCase()))
      .map(({ name }) => name);
    if (!isStorable(search)) return pageOf<PromptRecord>([], start, ({ name }) => name);
    const rows = await this.#database.query<PromptRow>(
      `SELECT "id", "name", "createdAt" FROM "Prompt"
       WHERE ($1::text IS NULL OR "name" COLLATE "C" > $1)
         AND ($2 = '' OR "name" ILIKE '%' || $3 || '%' OR "name" = ANY($4::text[]))
       ORDER BY "name" COLLATE "C" LIMIT $5`,
      [start.after, search, escapeLike(search), described, start.size + 1],
    );
    return pageOf(rows.map(this.#record), start, ({ name }) => name);
  }

  async versionsById(ids: readonly string[]): Promise<(PromptVersionRecord | null)[]> {
    return byId(ids, (known) =>
      selectVersionsWhere(this.#database, 'v."id" = ANY($1::uuid[])', [known]),
    );
  }

  async versions(
    promptId: string,
    request: Parameters<Prompts['versions']>[1],
  ): ReturnType<Prompts['versions']> {
    const start = readPageRequest(request, /^[1-9]\d{0,8}$/);
    const rows = await selectVersionsWhere(
      this.#database,
      `v."promptId" = $1 AND ($2::int IS NULL OR v."number" < $2)
       ORDER BY v."number" DESC LIMIT $3`,
      [promptId, start.after, start.size + 1],
    );
    return pageOf(rows, start, ({ number }) => String(number));
  }

  async version(
    promptId: string,
    choice: Parameters<Prompts['version']>[1],
  ): Promise<PromptVersionRecord | null> {
    const { number = null, label = null } = choice;
    if (label !== null && !isStorable(label)) return null;
    const [found] = await selectVersionsWhere(
      this.#database,
      `v."promptId" = $1
         AND ($2::int IS NULL OR v."number" = $2)
         AND ($3::text IS NULL OR v."id" =
           (SELECT "versionId" FROM "PromptLabel" WHERE "promptId" = $1 AND "name" = $3))
       ORDER BY v."number" DESC LIMIT 1`,
      [promptId, number, number === null ? (label ?? 'production') : label],
    );
    return found ?? null;
  }

  async labels(promptIds: readonly string[]): Promise<PromptLabelRecord[][]> {
    const rows = await this.#database.query<PromptLabelRecord>(
      `SELECT "name", "promptId", "versionId", "updatedAt", "updatedBy" FROM "PromptLabel"
       WHERE "promptId" = ANY($1::uuid[]) ORDER BY "name" COLLATE "C"`,
      [promptIds],
    );
    return promptIds.map((id) => rows.filter(({ promptId }) => promptId === id));
  }

  async labelChanges(
    promptId: string,
    request: Parameters<Prompts['labelChanges']>[1],
  ): ReturnType<Prompts['labelChanges']> {
    const start = readPageRequest(request, changePattern);
    const [changedAt = null, id = null] = start.after?.split('/') ?? [];
    const rows = await this.#database.query<PromptLabelChangeRecord>(
      `SELECT "id", "label", "versionId", "changedAt", "changedBy" FROM "PromptLabelChange"
       WHERE "promptId" = $1
         AND ($2::timestamptz IS NULL OR ("changedAt", "id") < ($2::timestamptz, $3::uuid))
       ORDER BY "changedAt" DESC, "id" DESC LIMIT $4`,
      [promptId, changedAt, id, start.size + 1],
    );
    return pageOf(rows, start, (change) => `${change.changedAt.toISOString()}/${change.id}`);
  }

  async diff(versionId: string, against?: number | null): Promise<string> {
    const [version] = await this.versionsById([versionId]);
    if (!version) throw new DomainError('NOT_FOUND', 'There is no such prompt version.');
    const number = against ?? version.number - 1;
    const other = number > 0 ? await this.version(version.promptId, { number }) : null;
    if (!other && number !== 0) throw versionNotFound(version.promptName, number);
    return unifiedDiff(other, version);
  }
}

/** Prompts, their versions and labels as they are stored, with the contracts that this server's plugins register. */
export const createPromptReader = (database: Database, registry: Registry): Reader =>
  new PromptReader(database, registry);
