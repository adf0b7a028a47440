import { z } from 'zod';
import type { Database } from '../../data/database.ts';
import { newId } from '../../data/new-id.ts';
import { type Approvers, mayDecide } from '../../kernel/access/approvers.ts';
import { type Caller, isAdmin } from '../../kernel/access/principal.ts';
import { DomainError, type Issue } from '../../kernel/errors.ts';
import { storableJson } from '../../kernel/json/storable-json.ts';
import { messageOf } from '../../kernel/message-of.ts';
import type { Page, PageRequest } from '../../kernel/page.ts';
import { pageOf, readPageRequest, uuidPattern } from '../../kernel/page-cursor.ts';
import type { Registry } from '../../kernel/registry/registry.ts';
import type { ApprovalRecord } from '../../kernel/run.ts';
import { readRuns } from '../log/run-rows.ts';

/** How long a person has to decide. */
const decisionTimeMs = 24 * 3_600_000;

const columns = `id, "runId", (SELECT "userId" FROM "Run" WHERE "Run".id = "Approval"."runId") AS "ownerId", "callId", tool, input, "editedInput",
  CASE WHEN status = 'PENDING' AND "expiresAt" <= now() THEN 'EXPIRED' ELSE status END AS status,
  "requestedAt", "expiresAt", "decidedAt", "decidedBy", reason`;

/** A question outlives its run, an answer to it would change nothing. */
const ofUnfinishedRun = `EXISTS (SELECT FROM "Run" WHERE "Run".id = "Approval"."runId" AND "finishedAt" IS NULL)`;

export interface ApprovalDecision {
  approvalId: string;
  approve: boolean;
  reason?: string | null;
  editedInput?: unknown;
}

interface Question {
  runId: string;
  callId: string;
  tool: string;
  input: unknown;
}

/** Questions to people. The model has no way to answer one: only `decide` does, with a person's key behind it. */
export class Approvals {
  readonly #database: Database;
  readonly #registry: Registry;

  constructor(database: Database, registry: Registry) {
    this.#database = database;
    this.#registry = registry;
  }

  /** Asks once for each call: asking again finds the first question. */
  request(question: Question): Promise<ApprovalRecord> {
    return request(this.#database, question);
  }

  async ofRun(runId: string): Promise<Map<string, ApprovalRecord>> {
    const rows = await this.#database.query<ApprovalRecord>(
      `SELECT ${columns} FROM "Approval" WHERE "runId" = $1`,
      [runId],
    );
    return new Map(rows.map((row) => [row.callId, row]));
  }

  /** Those of each run and of all that work for it, oldest first. */
  async ofTrees(runIds: readonly string[]): Promise<ApprovalRecord[][]> {
    const rows = await this.#database.query<{ root: string; id: string }>(
      `WITH RECURSIVE tree AS (
         SELECT id AS root, id FROM unnest($1::uuid[]) AS id
         UNION SELECT tree.root, r.id FROM "Run" r JOIN tree ON r."parentRunId" = tree.id)
       SELECT root, a.id FROM "Approval" a JOIN tree ON tree.id = a."runId" ORDER BY "requestedAt", a.id`,
      [runIds],
    );
    const found = await this.byId(rows.map(({ id }) => id));
    const roots = Map.groupBy(rows.entries(), ([, { root }]) => root);
    return runIds.map((id) => (roots.get(id) ?? []).flatMap(([index]) => found[index] ?? []));
  }

  async byId(ids: readonly string[]): Promise<(ApprovalRecord | null)[]> {
    const rows = await this.#database.query<ApprovalRecord>(
      `SELECT ${columns} FROM "Approval" WHERE id = ANY($1::uuid[])`,
      [ids],
    );
    const found = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => found.get(id) ?? null);
  }

  /** Those that the caller may decide. */
  pending(page: PageRequest, caller: Caller): Promise<Page<ApprovalRecord>> {
    return pending(this.#database, page, this.#deciding(caller));
  }

  mayDecide({ tool, ownerId }: ApprovalRecord, caller: Caller): boolean {
    return mayDecide(caller, { approvers: this.#approversOf(tool), ownerId });
  }

  /** Of a tool that no plugin brings any more nobody but an admin decides. */
  #approversOf(tool: string): Approvers | undefined {
    const registered = this.#registry.tools.get(tool);
    return registered ? registered.approvers : {};
  }

  /** A condition on approvals, with its values from $3 on. */
  #deciding(caller: Caller): { sql: string; values: unknown[] } {
    const tools = [...this.#registry.tools.keys()];
    const decided = (ownerId: string) =>
      tools.filter((tool) => mayDecide(caller, { approvers: this.#approversOf(tool), ownerId }));
    if (isAdmin(caller)) return { sql: 'true', values: [] };
    return {
      sql: `tool = ANY(CASE WHEN EXISTS (SELECT FROM "Run" WHERE "Run".id = "Approval"."runId" AND "userId" = $3)
        THEN $4::text[] ELSE $5::text[] END)`,
      // Another's: no user is named so.
      values: [caller.userId, decided(caller.userId), decided('')],
    };
  }

  /** Single use, for a caller who may: NOT_FOUND, APPROVAL_CONFLICT, or PROMPT_VARIABLES_INVALID for an edited input the tool does not take. */
  async decide(decision: ApprovalDecision, caller: Caller): Promise<ApprovalRecord> {
    const [approval] = await this.byId([decision.approvalId]);
    if (!approval) throw new DomainError('NOT_FOUND', 'There is no such approval.');
    await checkEdited(approval, decision, this.#registry);
    return decide(this.#database, { approval, decision, caller });
  }
}

async function request(database: Database, question: Question): Promise<ApprovalRecord> {
  const { runId, callId, tool, input } = question;
  const expiresAt = new Date(Date.now() + decisionTimeMs);
  const rows = await database.query<ApprovalRecord>(
    `INSERT INTO "Approval" (id, "runId", "callId", tool, input, "expiresAt") VALUES ($1, $2, $3, $4, $5::jsonb, $6)
     ON CONFLICT ("runId", "callId") DO UPDATE SET "callId" = excluded."callId" RETURNING ${columns}`,
    [newId(), runId, callId, tool, storableJson(input), expiresAt],
  );
  void database.signals.publish('approval', rows[0]!.id);
  return rows[0]!;
}

async function pending(
  database: Database,
  request: PageRequest,
  deciding: { sql: string; values: unknown[] },
): Promise<Page<ApprovalRecord>> {
  const start = readPageRequest(request, uuidPattern);
  const rows = await database.query<ApprovalRecord>(
    `SELECT ${columns} FROM "Approval" WHERE status = 'PENDING' AND ("expiresAt" IS NULL OR "expiresAt" > now())
     AND ${ofUnfinishedRun} AND ($1::uuid IS NULL OR id > $1) AND ${deciding.sql} ORDER BY id LIMIT $2`,
    [start.after, start.size + 1, ...deciding.values],
  );
  return pageOf(rows, start, ({ id }) => id);
}

/** What a person puts in place of the model's input passes the same check as the model's did. */
async function checkEdited(
  approval: ApprovalRecord,
  { approve, editedInput }: ApprovalDecision,
  registry: Registry,
): Promise<void> {
  if (!approve || editedInput == null) return;
  const schema: z.ZodType = registry.tools.get(approval.tool)?.input ?? z.unknown();
  const found = await issuesOf(schema, editedInput);
  if (found.length === 0) return;
  const issues = found.map(({ path, message }) => ({ path: ['editedInput', ...path], message }));
  const what = `The tool "${approval.tool}" does not take this input: mend it and decide again.`;
  throw new DomainError('PROMPT_VARIABLES_INVALID', what, { details: { issues } });
}

async function issuesOf(schema: z.ZodType, value: unknown): Promise<Issue[]> {
  try {
    const { error } = await schema.safeParseAsync(value);
    return error?.issues.map(({ path, message }) => ({ path: path.map(String), message })) ?? [];
  } catch (error) {
    return [{ path: [], message: messageOf(error) }];
  }
}

async function decide(
  database: Database,
  {
    approval,
    decision,
    caller,
  }: { approval: ApprovalRecord; decision: ApprovalDecision; caller: Caller },
): Promise<ApprovalRecord> {
  const { approve, reason, editedInput } = decision;
  const edited = approve && editedInput != null ? storableJson(editedInput) : null;
  const rows = await database.query<ApprovalRecord>(
    `UPDATE "Approval" SET status = $2, "decidedAt" = now(), "decidedBy" = $3, reason = $4, "editedInput" = $5::jsonb
     WHERE id = $1 AND status = 'PENDING' AND ("expiresAt" IS NULL OR "expiresAt" > now()) AND ${ofUnfinishedRun}
     RETURNING ${columns}`,
    [approval.id, approve ? 'APPROVED' : 'REJECTED', caller.userId, reason ?? null, edited],
  );
  if (rows[0]) return rows[0];
  const [run] = await readRuns(database, [approval.runId]);
  throw conflict(approval, run?.finishedAt ? run.status : null);
}

function conflict({ status, decidedBy }: ApprovalRecord, runEnded: string | null): DomainError {
  if (status === 'PENDING' && runEnded !== null) {
    return new DomainError(
      'APPROVAL_CONFLICT',
      `The run that asked is over (${runEnded}): there is nothing left to decide.`,
    );
  }
  const by = decidedBy ? ` by ${decidedBy}` : '';
  const state = status === 'PENDING' ? 'decided or has expired meanwhile' : status.toLowerCase();
  return new DomainError(
    'APPROVAL_CONFLICT',
    `This approval is already ${state}${by}; a decision holds once.`,
  );
}
