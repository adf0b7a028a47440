import type { Database } from '../../data/database.ts';
import type { Page, PageRequest } from '../../kernel/page.ts';
import { pageOf, readPageRequest } from '../../kernel/page-cursor.ts';
import { pageOf as pageOfPlaces, readPageRequest as readPlace } from '../../ledger/page-cursor.ts';
import { SqlValues } from '../listing/sql-values.ts';
import { wordQuery } from '../listing/word-query.ts';
import { recordColumns } from '../log/run-rows.ts';
import type { RunRecord } from '../runs.ts';
import { countsAsHead } from './conversation-head.ts';
import type {
  ConversationChange,
  ConversationFilter,
  ConversationRecord,
  Conversations,
} from './conversations.ts';

const columns = `c.id, c."userId", c.title, c.tags, c."createdAt", c."updatedAt"`;
const orderPattern = /^\d{1,10}$/;

/** Conversations as they are stored. See `Conversations` for what its functions promise. */
export class ConversationStore implements Conversations {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async list({
    filter,
    ...request
  }: PageRequest & { filter: ConversationFilter }): Promise<Page<ConversationRecord>> {
    const page = readPlace(request);
    const sql = new SqlValues();
    const where = await this.#conditions(filter, sql);
    if (page.after) {
      const at = sql.of(page.after.createdAt);
      const place = `(c."updatedAt", c.id) < (${at}, ${sql.of(page.after.id)}::uuid)`;
      where.push(`c."updatedAt" <= ${at}`, place);
    }
    const rows = await this.#database.query<ConversationRecord>(
      `SELECT ${columns} FROM "Conversation" c WHERE ${['true', ...where].join(' AND ')}
       ORDER BY c."updatedAt" DESC, c.id DESC LIMIT ${page.size + 1}`,
      sql.values,
    );
    const placed = rows.map((record) => ({ id: record.id, createdAt: record.updatedAt, record }));
    const { edges, ...rest } = pageOfPlaces(placed, page);
    return { ...rest, edges: edges.map(({ node, cursor }) => ({ node: node.record, cursor })) };
  }

  async #conditions(
    { userId, tags, text, updatedAfter }: ConversationFilter,
    sql: SqlValues,
  ): Promise<string[]> {
    const conditions: string[] = [];
    if (userId != null) conditions.push(`c."userId" = ${sql.of(userId)}`);
    if (tags != null) conditions.push(`c.tags @> ${sql.of(tags)}::text[]`);
    if (updatedAfter != null) conditions.push(`c."updatedAt" > ${sql.of(updatedAfter)}`);
    if (text != null) {
      const query = await wordQuery(this.#database, text, sql);
      conditions.push(`(run_words('{}', coalesce(c.title, '')) @@ ${query} OR c.id IN (
        SELECT r."conversationId" FROM "Run" r WHERE r."finishedAt" IS NOT NULL
          AND run_words(r.input, r.text) @@ ${query}))`);
    }
    return conditions;
  }

  async byId(ids: readonly string[]): Promise<(ConversationRecord | null)[]> {
    const rows = await this.#database.query<ConversationRecord>(
      `SELECT ${columns} FROM "Conversation" c WHERE c.id = ANY($1::uuid[])`,
      [ids],
    );
    const found = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => found.get(id) ?? null);
  }

  async runs(id: string, request: PageRequest): Promise<Page<RunRecord>> {
    const page = readPageRequest(request, orderPattern);
    const rows = await this.#database.query<RunRecord & { conversationOrder: number }>(
      `SELECT ${recordColumns}, r."conversationOrder" FROM "Run" r
       WHERE r."conversationId" = $1 AND r."conversationOrder" > $2 ORDER BY r."conversationOrder" LIMIT $3`,
      [id, page.after === null ? 0 : Number(page.after), page.size + 1],
    );
    return pageOf(rows, page, ({ conversationOrder }) => String(conversationOrder));
  }

  async heads(ids: readonly string[]): Promise<(RunRecord | null)[]> {
    const rows = await this.#database.query<RunRecord>(
      `SELECT DISTINCT ON (r."conversationId") ${recordColumns} FROM "Run" r
       WHERE r."conversationId" = ANY($1::uuid[]) AND r."conversationOrder" IS NOT NULL
       ORDER BY r."conversationId", ${countsAsHead} DESC, r."conversationOrder" DESC`,
      [ids],
    );
    const found = new Map(rows.map((row) => [row.conversationId, row]));
    return ids.map((id) => found.get(id) ?? null);
  }

  async runIds(ids: readonly string[]): Promise<string[][]> {
    const rows = await this.#database.query<{ id: string; conversationId: string }>(
      `SELECT id, "conversationId" FROM "Run" WHERE "conversationId" = ANY($1::uuid[])`,
      [ids],
    );
    const byConversation = Map.groupBy(rows, ({ conversationId }) => conversationId);
    return ids.map((id) => (byConversation.get(id) ?? []).map((run) => run.id));
  }

  async update(
    id: string,
    { title, tags }: ConversationChange,
  ): Promise<ConversationRecord | null> {
    const [row] = await this.#database.query<ConversationRecord>(
      `UPDATE "Conversation" c SET title = CASE WHEN $2 THEN $3 ELSE c.title END, tags = coalesce($4::text[], c.tags)
       WHERE c.id = $1 RETURNING ${columns}`,
      [id, title !== undefined, title ?? null, tags ?? null],
    );
    return row ?? null;
  }
}
