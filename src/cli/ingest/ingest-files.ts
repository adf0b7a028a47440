import { setTimeout as wait } from 'node:timers/promises';
import { CliError } from '../cli-error.ts';
import type { ApiClient } from '../create-api-client.ts';
import {
  type DocumentInput,
  IngestBatchDocument,
  type IngestBatchMutation,
  StoredSourcesDocument,
} from '../operations/operations.generated.ts';
import type { Terminal } from '../terminal.ts';
import { batchDocuments, bytesOf } from './batch-documents.ts';
import { createExtractor } from './create-extractor.ts';
import type { FoundFile } from './find-files.ts';
import { type IngestReport, skip } from './ingest-report.ts';
import { readSource, type SourceFile } from './read-source.ts';
import { SourceProblem } from './source-problem.ts';

export interface IngestFilesOptions {
  client: ApiClient;
  terminal: Terminal;
  collection: string;
  metadata: Readonly<Record<string, string>>;
  /** Readers of the collection beside its maker, if this makes it. */
  readers: readonly string[];
  /** What the server takes in one request. */
  bodyLimitBytes: number;
  /** Send also what the server has as it is. */
  isForced: boolean;
  signal: AbortSignal;
}

/** Beside the documents: the operation and its variables. */
const requestOverheadBytes = 8_192;
/** Some seconds of the server's work, so that progress moves and an interruption loses little. */
const batchBytes = 500_000;
const batchDocumentCount = 50;
const attempts = 4;

/** Reads files one by one and sends them in batches; `report` tells what became of each, also when this rejects. */
export async function ingestFiles(
  files: readonly FoundFile[],
  report: IngestReport,
  options: IngestFilesOptions,
): Promise<void> {
  const known = options.isForced ? new Map<string, string>() : await storedFingerprints(options);
  const documents = readAll(files, { report, known, ...options });
  const bytes = Math.min(batchBytes, options.bodyLimitBytes - requestOverheadBytes);
  for await (const batch of batchDocuments(documents, { bytes, documents: batchDocumentCount })) {
    await sendBatch(batch, report, options);
  }
}

async function storedFingerprints({
  client,
  collection,
}: IngestFilesOptions): Promise<Map<string, string>> {
  const known = new Map<string, string>();
  for (let after: string | null = null; ; ) {
    const page: { endCursor: string | null; hasNextPage: boolean } = await client
      .execute(StoredSourcesDocument, { collection, after })
      .then(({ documents: { edges, pageInfo } }) => {
        for (const { node } of edges) {
          const { fingerprint } = node.metadata as { fingerprint?: unknown };
          if (typeof fingerprint === 'string') known.set(node.source, fingerprint);
        }
        return pageInfo;
      });
    if (!page.hasNextPage) return known;
    after = page.endCursor;
  }
}

type ReadAllOptions = IngestFilesOptions & {
  report: IngestReport;
  known: ReadonlyMap<string, string>;
};

async function* readAll(
  files: readonly FoundFile[],
  { report, known, terminal, signal, ...options }: ReadAllOptions,
): AsyncGenerator<DocumentInput> {
  const maxText = options.bodyLimitBytes - requestOverheadBytes;
  const { metadata } = options;
  const extractor = createExtractor();
  const seen = new Set<string>();
  const read = async (file: SourceFile): Promise<DocumentInput | null> => {
    if (seen.has(file.source)) throw new SourceProblem('is named like another file of this call');
    seen.add(file.source);
    const wanted = {
      extractor,
      metadata,
      maxText,
      known: (source: string) => known.get(source),
    };
    const document = await readSource(file, wanted);
    if (document && bytesOf(document) > maxText) {
      throw new SourceProblem('makes a larger request than the server takes; split it');
    }
    return document;
  };
  try {
    for (const [index, file] of files.entries()) {
      signal.throwIfAborted();
      terminal.show(`${bar(index / files.length)} ${index} of ${files.length}  ${nameOf(file)}`);
      if ('skipped' in file) {
        skip(report, file.path, file.skipped);
        continue;
      }
      try {
        const document = await read(file);
        if (document) yield document;
        else report.unchanged += 1;
      } catch (error) {
        if (!(error instanceof SourceProblem)) throw error;
        if (error.message === 'is empty') skip(report, file.source, 'empty');
        else report.failed.push({ file: file.source, reason: error.message });
      }
    }
  } finally {
    await extractor.close();
    terminal.clear();
  }
}

const nameOf = (file: FoundFile): string => ('source' in file ? file.source : file.path);

const barWidth = 24;

const bar = (share: number): string =>
  '█'.repeat(Math.round(share * barWidth)).padEnd(barWidth, '░');

async function sendBatch(
  batch: DocumentInput[],
  report: IngestReport,
  options: IngestFilesOptions,
): Promise<void> {
  try {
    const result = await send(batch, options);
    report.created += result.created;
    report.updated += result.updated;
    report.unchanged += result.unchanged;
    report.chunks += result.chunks;
    for (const { source, issues } of result.rejected) {
      const reason = issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ');
      report.failed.push({ file: source, reason: `was refused: ${reason}` });
    }
  } catch (error) {
    if (!(error instanceof CliError) || error.status !== 413) throw error;
    if (batch.length > 1) {
      for (const document of batch) await sendBatch([document], report, options);
      return;
    }
    const reason =
      'makes a larger request than the server takes: split it, or raise BODY_LIMIT_BYTES';
    report.failed.push({ file: batch[0]!.source, reason });
  }
}

type Ingested = Extract<
  IngestBatchMutation['ingestDocuments'],
  { __typename: 'IngestedDocuments' }
>;

/** An ingest may be repeated: what is there already stays as it is. */
async function send(
  documents: DocumentInput[],
  { client, collection, readers, terminal, signal }: IngestFilesOptions,
): Promise<Ingested> {
  for (let attempt = 1; ; attempt++) {
    const { ingestDocuments: result } = await client.execute(IngestBatchDocument, {
      collection,
      documents,
      readers: [...readers],
    });
    if (result.__typename === 'IngestedDocuments') return result;
    if (!result.retryable || attempt === attempts) throw new CliError(result.message);
    const seconds = 2 ** attempt;
    terminal.tell(`${result.message} Trying again in ${seconds} s.`);
    await wait(seconds * 1_000, undefined, { signal });
  }
}
