import type { Terminal } from '../terminal.ts';

/** What became of each file. */
export interface IngestReport {
  created: number;
  updated: number;
  unchanged: number;
  chunks: number;
  /** A sentence that says who may read the collection. */
  readers?: string;
  /** Not read on purpose: the files by why. */
  skipped: Map<string, string[]>;
  failed: { file: string; reason: string }[];
}

export const newReport = (): IngestReport => ({
  created: 0,
  updated: 0,
  unchanged: 0,
  chunks: 0,
  skipped: new Map(),
  failed: [],
});

export function skip(report: IngestReport, file: string, reason: string): void {
  const files = report.skipped.get(reason) ?? [];
  files.push(file);
  report.skipped.set(reason, files);
}

/** Has anything become of any file yet? */
export const isWorthTelling = (report: IngestReport): boolean =>
  report.created + report.updated + report.unchanged + report.failed.length > 0;

/** Is something of this call in the collection? */
export const isStored = ({ created, updated, unchanged }: IngestReport): boolean =>
  created + updated + unchanged > 0;

const maxNamed = 5;

export function printReport(report: IngestReport, collection: string, { print }: Terminal): void {
  const { created, updated, unchanged, chunks, readers, skipped, failed } = report;
  print(
    `Collection "${collection}": ${created} new, ${updated} changed, ${unchanged} as before (${chunks} chunks written or checked).${readers ? ` ${readers}` : ''}`,
  );
  for (const [reason, files] of skipped) {
    const more = files.length > maxNamed ? `, … (${files.length})` : '';
    print(`Skipped, ${reason}: ${files.slice(0, maxNamed).join(', ')}${more}`);
  }
  for (const { file, reason } of failed) print(`Failed: ${file} ${reason}`);
  if (failed.length > 0) {
    print(
      `${failed.length} failed. The rest is stored; the same command again sends only what is missing.`,
    );
  }
}
