import type { Database } from '../../data/database.ts';
import { newId } from '../../data/new-id.ts';
import { storableJson } from '../../kernel/json/storable-json.ts';
import type { Page, PageRequest } from '../../kernel/page.ts';
import { pageOf, readPageRequest, uuidPattern } from '../../kernel/page-cursor.ts';

/** Something that was done to the service, or an attempt to sign in. */
export interface AuditEntry {
  id: string;
  at: Date;
  /** A user id; null for a failed sign-in. */
  actor: string | null;
  apiKeyId: string | null;
  address: string | null;
  /** A mutation's name, or `signIn`, `signInFailed`. */
  action: string;
  /** The thing it was done to. */
  subject: string | null;
  /** Arguments, without secrets and without content. */
  detail: Record<string, unknown> | null;
  requestId: string;
}

/** Entries that are all of what is given. */
export interface AuditFilter {
  actor?: string | null;
  action?: string | null;
  /** Included. */
  after?: Date | null;
  /** Not included. */
  before?: Date | null;
}

export type NewAuditEntry = Omit<AuditEntry, 'id' | 'at'>;

const columns = `"id", "at", "actor", "apiKeyId", "address", "action", "subject", "detail", "requestId"`;
const exportedRows = 500;

/** The append-only record of administrative actions and sign-ins. A trigger keeps entries from changes. */
export class AuditLog {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async record(entry: NewAuditEntry): Promise<void> {
    const { actor, apiKeyId, address, action, subject, detail, requestId } = entry;
    await this.#database.query(
      `INSERT INTO "AuditEntry" ("id", "actor", "apiKeyId", "address", "action", "subject", "detail", "requestId")
       VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8)`,
      [
        newId(),
        actor,
        apiKeyId,
        address,
        action,
        subject,
        detail && storableJson(detail),
        requestId,
      ],
    );
  }

  /** Newest first. Throws `InvalidInputError` for a bad cursor. */
  async list({ filter, ...request }: PageRequest & { filter: AuditFilter }) {
    const start = readPageRequest(request, uuidPattern);
    const rows = await this.#read(filter, { id: start.after, order: 'DESC', rows: start.size + 1 });
    return pageOf(rows, start, ({ id }) => id) satisfies Page<AuditEntry>;
  }

  async byId(ids: readonly string[]): Promise<(AuditEntry | null)[]> {
    const rows = await this.#database.query<AuditEntry>(
      `SELECT ${columns} FROM "AuditEntry" WHERE "id" = ANY($1::uuid[])`,
      [ids],
    );
    const found = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => found.get(id) ?? null);
  }

  /** JSON lines, oldest first, read no faster than they are taken. */
  async *export(filter: AuditFilter): AsyncIterable<string> {
    for (let id: string | null = null; ; ) {
      const rows: AuditEntry[] = await this.#read(filter, { id, order: 'ASC', rows: exportedRows });
      if (rows.length > 0) yield rows.map((row) => `${JSON.stringify(row)}\n`).join('');
      if (rows.length < exportedRows) return;
      id = rows.at(-1)!.id;
    }
  }

  /** An id begins with the time at which it was made, so that it orders the log. */
  #read(
    { actor = null, action = null, after = null, before = null }: AuditFilter,
    { id, order, rows }: { id: string | null; order: 'ASC' | 'DESC'; rows: number },
  ): Promise<AuditEntry[]> {
    return this.#database.query<AuditEntry>(
      `SELECT ${columns} FROM "AuditEntry"
       WHERE ($1::text IS NULL OR "actor" = $1) AND ($2::text IS NULL OR "action" = $2)
         AND ($3::timestamptz IS NULL OR "at" >= $3) AND ($4::timestamptz IS NULL OR "at" < $4)
         AND ($5::uuid IS NULL OR "id" ${order === 'ASC' ? '>' : '<'} $5)
       ORDER BY "id" ${order} LIMIT $6`,
      [actor, action, after, before, id, rows],
    );
  }
}
