import type { DocumentInput } from '../operations/operations.generated.ts';

export interface BatchLimits {
  /** Of the documents as JSON; one that is larger alone goes alone. */
  bytes: number;
  documents: number;
}

export const bytesOf = (document: DocumentInput): number =>
  Buffer.byteLength(JSON.stringify(document));

/** Groups documents, in their order, into batches that fit a request. Holds one batch in memory. */
export async function* batchDocuments(
  documents: AsyncIterable<DocumentInput>,
  limits: BatchLimits,
): AsyncGenerator<DocumentInput[]> {
  let batch: DocumentInput[] = [];
  let bytes = 0;
  for await (const document of documents) {
    const size = bytesOf(document);
    if (batch.length > 0 && (bytes + size > limits.bytes || batch.length === limits.documents)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(document);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
