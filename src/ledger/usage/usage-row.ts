import type { RunKind } from '../../kernel/run.ts';
import type { UsageRecordRow } from '../ledger.ts';
import { usd } from '../usd.ts';

/** A record on its way into the database: `createdAt` null is the moment at which it is written. */
export type NewUsageRecord = Omit<UsageRecordRow, 'createdAt'> & { createdAt: Date | null };

/** A row of "UsageRecord" as the driver or JSON gives it: money as text. */
export type StoredUsageRecord = Omit<UsageRecordRow, 'createdAt' | 'kind'> & {
  kind: string;
  createdAt: Date | string;
};

export const usageColumns = [
  'id',
  'runId',
  'requestId',
  'userId',
  'apiKeyId',
  'kind',
  'provider',
  'model',
  'promptVersionId',
  'promptName',
  'experimentId',
  'variant',
  'inputTokens',
  'outputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'estimated',
  'cached',
  'cost',
  'status',
  'durationMs',
  'timeToFirstTokenMs',
  'createdAt',
  'groups',
  'tags',
  'agent',
  'conversationId',
] as const satisfies readonly (keyof UsageRecordRow)[];

/** The columns as a SELECT names them. */
export const selectedUsageColumns = usageColumns.map((column) => `"${column}"`).join(', ');

export const usageRecordFrom = (row: StoredUsageRecord): UsageRecordRow => ({
  ...row,
  kind: row.kind as RunKind,
  cost: row.cost === null ? null : usd(row.cost),
  createdAt: new Date(row.createdAt),
});
