import { everything } from '../../../src/kernel/access/readers.ts';
import type { KnowledgeRoom } from '../../../src/knowledge/create-knowledge.ts';
import type {
  CollectionChange,
  CollectionRecord,
  DocumentRecord,
  IngestInput,
  IngestResult,
  Knowledge,
} from '../../../src/knowledge/knowledge.ts';

type IngestOptions = Omit<Parameters<Knowledge['ingest']>[1], 'by'>;

/** A knowledge service whose caller is always an admin. */
export interface AdminKnowledge
  extends Omit<
    KnowledgeRoom,
    | 'collections'
    | 'updateCollection'
    | 'deleteCollection'
    | 'deleteDocument'
    | 'documents'
    | 'ingest'
  > {
  collections(): Promise<CollectionRecord[]>;
  updateCollection(change: CollectionChange, userId?: string): Promise<CollectionRecord>;
  deleteCollection(name: string): Promise<CollectionRecord>;
  deleteDocument(id: string): Promise<DocumentRecord>;
  documents(request: Parameters<Knowledge['documents']>[0]): ReturnType<Knowledge['documents']>;
  ingest(input: IngestInput, options?: IngestOptions): Promise<IngestResult>;
}

export function asAdmin(knowledge: KnowledgeRoom): AdminKnowledge {
  const by = everything;
  return {
    ...knowledge,
    search: (request) => knowledge.search({ reader: by, ...request }),
    collections: () => knowledge.collections(by),
    updateCollection: (change, userId = by.userId) =>
      knowledge.updateCollection(change, { ...by, userId }),
    deleteCollection: (name) => knowledge.deleteCollection(name, by),
    deleteDocument: (id) => knowledge.deleteDocument(id, by),
    documents: (request) => knowledge.documents(request, by),
    ingest: (input, options) => knowledge.ingest(input, { by, ...options }),
  };
}
