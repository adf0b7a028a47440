import type { ModelUsage } from '../../kernel/model.ts';
import type { LedgerContext } from '../ledger-context.ts';
import type { NewUsageRecord } from '../usage/usage-row.ts';
import type { HoldEstimate } from './holds.ts';
import { costOf } from './new-usage-record.ts';
import type { Settlement, Settlements } from './settlements.ts';

const batchSize = 200;
/** Of the model family's tokenisers, in English; the bill may differ, which is why the record is flagged. */
const charactersPerToken = 4;

interface OrphanRow {
  id: string;
  runId: string;
  userId: string;
  scopes: string[];
  subjects: string[];
  estimate: HoldEstimate;
  createdAt: Date;
  /** UTF-16 code units of text and thinking that the run has persisted of the turn in flight. */
  characters: number;
  /** What the provider had said of the call before the server died, as far as it was stored. */
  reported: ModelUsage | null;
  ageMs: number;
}

/**
 * Ends the holds of servers that died: each becomes a usage record by estimate. Whoever deletes the hold writes the
 * record, so that any number of servers may sweep at once.
 */
export async function settleOrphanedHolds(
  context: LedgerContext,
  settlements: Settlements,
  serverIds: readonly string[],
): Promise<number> {
  let settled = 0;
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const orphans = await findOrphans(context, serverIds, after);
    if (orphans.length === 0) return settled;
    settled += await settlements.writeIfHeld(
      orphans.map((orphan) => settlementOf(context, orphan)),
    );
    after = orphans.at(-1)!.id;
  }
}

const findOrphans = (
  context: LedgerContext,
  serverIds: readonly string[],
  after: string,
): Promise<OrphanRow[]> =>
  // The turn in flight begins behind the last whole one; two seconds cover clocks that differ.
  context.database.query<OrphanRow>(
    `SELECT h."id", h."runId", h."userId", h."scopes", h."subjects", h."estimate", h."createdAt",
       extract(epoch FROM coalesce($3::timestamptz, clock_timestamp()) - h."createdAt")::float8 * 1000 AS "ageMs",
       (SELECT coalesce(sum(e."length"), 0)::int FROM "RunEvent" e
         WHERE e."runId" = h."runId" AND e."type" IN ('TextDelta', 'ThinkingDelta')
           AND e."at" >= h."createdAt" - interval '2 seconds'
           AND e."position" > coalesce((SELECT max(t."position") FROM "RunEvent" t
             WHERE t."runId" = h."runId" AND t."type" = 'AssistantTurn'), -1)) AS "characters",
       (SELECT u."payload"->'usage' FROM "RunEvent" u
         WHERE u."runId" = h."runId" AND u."type" = 'CallUsage' AND u."payload"->>'holdId' = h."id"::text
         ORDER BY u."position" DESC LIMIT 1) AS "reported"
     FROM "Hold" h WHERE h."serverId" = ANY ($1::uuid[]) AND h."id" > $2::uuid
     ORDER BY h."id" LIMIT ${batchSize}`,
    [serverIds, after, context.now()],
  );

function settlementOf(context: LedgerContext, orphan: OrphanRow): Settlement {
  const { estimatedInputTokens, maxTokens, embedding, accessTokens: _, ...tag } = orphan.estimate;
  const said = Math.min(maxTokens, Math.ceil(orphan.characters / charactersPerToken));
  const nothingReported = {
    inputTokens: estimatedInputTokens,
    cacheReadTokens: 0,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    outputTokens: 0,
  };
  const reported = orphan.reported ?? nothingReported;
  const usage = { ...reported, outputTokens: Math.max(said, reported.outputTokens) };
  const cacheWriteTokens = usage.cacheWrite5mTokens + usage.cacheWrite1hTokens;
  const record: NewUsageRecord = {
    ...tag,
    id: orphan.id,
    runId: orphan.runId,
    userId: orphan.userId,
    inputTokens: usage.inputTokens + usage.cacheReadTokens + cacheWriteTokens,
    outputTokens: usage.outputTokens,
    cacheReadTokens: usage.cacheReadTokens,
    cacheWriteTokens,
    estimated: true,
    cached: false,
    cost: costOf(context.prices, { model: tag.model, usage, embedding, at: orphan.createdAt }),
    status: 'interrupted',
    durationMs: Math.max(0, orphan.ageMs),
    timeToFirstTokenMs: null,
    createdAt: orphan.createdAt,
  };
  return { holdId: orphan.id, records: [record], envelopes: envelopesOf(orphan) };
}

const envelopesOf = ({ scopes, subjects }: OrphanRow): [scope: string, id: string][] =>
  scopes.flatMap((scope, at) =>
    scope === 'RUN' || scope === 'TOKEN' ? [[scope, subjects[at]!]] : [],
  );
