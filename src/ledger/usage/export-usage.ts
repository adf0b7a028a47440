import type { Database } from '../../data/database.ts';
import type { UsageExportRequest, UsageRecordRow } from '../ledger.ts';
import type { Place } from '../page-cursor.ts';
import {
  type StoredUsageRecord,
  selectedUsageColumns,
  usageColumns,
  usageRecordFrom,
} from './usage-row.ts';

const pieceRows = 500;

/** A page of rows at a time: the memory it takes does not grow with the span. */
export async function* exportUsage(
  database: Database,
  request: UsageExportRequest,
): AsyncIterable<string> {
  if (request.format === 'csv') yield `${usageColumns.join(',')}\r\n`;
  const line = request.format === 'csv' ? csvLine : jsonLine;
  let after: Place | null = null;
  for (;;) {
    const records: UsageRecordRow[] = await nextPiece(database, request, after);
    if (records.length > 0) yield records.map(line).join('');
    if (records.length < pieceRows) return;
    after = records.at(-1)!;
  }
}

async function nextPiece(
  database: Database,
  request: UsageExportRequest,
  after: Place | null,
): Promise<UsageRecordRow[]> {
  const values: unknown[] = [];
  const where: string[] = [];
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  if (request.userId) where.push(`"userId" = ${parameter(request.userId)}`);
  if (request.to) where.push(`"createdAt" < ${parameter(request.to)}`);
  if (after) {
    const moment = parameter(after.createdAt);
    where.push(`"createdAt" >= ${moment}`);
    where.push(`("createdAt", "id") > (${moment}, ${parameter(after.id)}::uuid)`);
  } else if (request.from) where.push(`"createdAt" >= ${parameter(request.from)}`);
  const rows = await database.query<StoredUsageRecord>(
    `SELECT ${selectedUsageColumns} FROM "UsageRecord"
     ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''}
     ORDER BY "createdAt", "id" LIMIT ${pieceRows}`,
    values,
  );
  return rows.map(usageRecordFrom);
}

const jsonLine = (record: UsageRecordRow): string => `${JSON.stringify(record)}\n`;

const csvLine = (record: UsageRecordRow): string =>
  `${usageColumns.map((column) => csvField(record[column])).join(',')}\r\n`;

function csvField(value: UsageRecordRow[keyof UsageRecordRow]): string {
  if (value === null) return '';
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object') return listField(value);
  if (typeof value !== 'string') return String(value);
  // A text that a spreadsheet would take for a formula is defused with an apostrophe, as OWASP advises.
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? quotedField(text) : text;
}

/** As JSON: a name may hold any character that could part it from the next. */
const listField = (names: readonly string[]): string =>
  names.length === 0 ? '' : quotedField(JSON.stringify(names));

const quotedField = (text: string): string => `"${text.replaceAll('"', '""')}"`;
