/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** The template is checked before it is stored: it parses, it uses only declared variables, it renders with a sample. */
export type CreatePromptVersionInput = {
  /** Labels to move to the new version. */
  labels?: Array<string> | null | undefined;
  /** Maximum output tokens. Default: the server's. */
  maxTokens?: number | null | undefined;
  /** Model to use. Default: the server's. */
  model?: string | null | undefined;
  /** Notes for people. */
  notes?: string | null | undefined;
  /** WHOLE asks the model for all output fields, whatever an operation selects. */
  outputFields?: OutputFields | null | undefined;
  /** Name of the prompt. */
  prompt: string;
  /** LiquidJS template of the system prompt. */
  system?: string | null | undefined;
  /** LiquidJS template of the last message. */
  template: string;
};

/** Ingesting the same source again replaces it; unchanged text is not embedded again. */
export type DocumentInput = {
  /** A JSON object for filters. */
  metadata?: unknown;
  /** The collection's readers who may read it: `user:NAME`, `group:NAME` or `*`. Null for all of them. If left out, a known source keeps its readers. */
  readers?: Array<string> | null | undefined;
  /** Identity within the collection, such as a path or URL. */
  source: string;
  /** The text: plain or Markdown. */
  text: string;
  /** Title to show and to search by. */
  title?: string | null | undefined;
};

/** The code of an error that a caller can act on. */
export type ErrorCode =
  /** There is no agent of this name. */
  | 'AGENT_NOT_FOUND'
  /** The approval was already decided, or has expired. */
  | 'APPROVAL_CONFLICT'
  /** The worst case of the call does not fit a budget that applies. */
  | 'BUDGET_EXCEEDED'
  /** There is no collection of this name. */
  | 'COLLECTION_NOT_FOUND'
  /** The request contradicts the present state. */
  | 'CONFLICT'
  /** The embedder could not be reached. */
  | 'EMBEDDING_UNAVAILABLE'
  /** The experiment cannot run as described. */
  | 'EXPERIMENT_INVALID'
  /** The caller's roles or scopes do not allow this. */
  | 'FORBIDDEN'
  /** The agent had no answer after its last turn. */
  | 'MAX_TURNS_EXCEEDED'
  /** No provider of this server has the model. */
  | 'MODEL_NOT_FOUND'
  /** The provider is overloaded. */
  | 'MODEL_OVERLOADED'
  /** The provider's rate limit is reached. */
  | 'MODEL_RATE_LIMITED'
  /** The model declined to answer. */
  | 'MODEL_REFUSED'
  /** The model did not answer in time. */
  | 'MODEL_TIMEOUT'
  /** The provider could not be reached, or refused the call. */
  | 'MODEL_UNAVAILABLE'
  /** There is no such thing, or the caller may not read it. */
  | 'NOT_FOUND'
  /** The model's answer does not match the prompt's output schema. */
  | 'OUTPUT_INVALID'
  /** There is no prompt of this name, or no version of it that was asked for. */
  | 'PROMPT_NOT_FOUND'
  /** The variables do not match what the prompt declares. */
  | 'PROMPT_VARIABLES_INVALID'
  /** A limit of the caller's key is reached. */
  | 'RATE_LIMITED'
  /** The run was cancelled. */
  | 'RUN_CANCELLED'
  /** The server that executed the run went away. */
  | 'RUN_INTERRUPTED'
  /** There is no such run, or the caller may not read it. */
  | 'RUN_NOT_FOUND'
  /** The template does not parse, or uses variables that the prompt does not declare. */
  | 'TEMPLATE_INVALID';

/** Output fields that a model is asked for. */
export type OutputFields =
  /** Those that the operation selects. */
  | 'SELECTED'
  /** All of them. */
  | 'WHOLE';

/** A search in one collection. */
export type SearchInput = {
  /** Name of the collection. Default: "default", or the only one there is. */
  collection?: string | null | undefined;
  /** 0 (default) to 1: how much a passage is pushed down for being like better ones. */
  diversity?: number | null | undefined;
  /** Weight of the embedder's score beside keywords, in place of the collection's setting: to compare weights. */
  embedderWeight?: number | null | undefined;
  /** Condition on the documents' metadata, such as {"language": "en"}. */
  filter?: unknown;
  /** Weight of the collection's latent space, likewise. */
  latentWeight?: number | null | undefined;
  /** Signals to use. Default: HYBRID. */
  mode?: SearchMode | null | undefined;
  /** What to search for, as a question or as keywords. */
  query: string;
  /** The name of a reranker (see `plugins`): it reads what was found beside the question and orders it anew. One with a model costs what the model costs. */
  rerank?: string | null | undefined;
  /** Maximum number of passages. Default: 8. */
  topK?: number | null | undefined;
};

/** Signals that a search uses. */
export type SearchMode =
  /** Keywords and vectors together. */
  | 'HYBRID'
  /** Keywords only. */
  | 'KEYWORD'
  /** Vectors only. */
  | 'SEMANTIC';

/** Deploy and rollback alike: move a label to a version. Takes effect on every server at once. */
export type SetPromptLabelInput = {
  /** The label, such as "production". */
  label: string;
  /** Name of the prompt. */
  prompt: string;
  /** Number of the version. */
  version: number;
};

export type CollectionAccessQueryVariables = Exact<{
  userId: string;
  groups?: Array<string> | string | null | undefined;
}>;


export type CollectionAccessQuery = { collectionAccess: Array<{ collection: string, mayRead: boolean, reason: string, documents: number, readableDocuments: number }> };

export type StoredSourcesQueryVariables = Exact<{
  collection: string;
  after?: string | null | undefined;
}>;


export type StoredSourcesQuery = { documents: { edges: Array<{ node: { source: string, metadata: unknown } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type CollectionReadersQueryVariables = Exact<{ [key: string]: never; }>;


export type CollectionReadersQuery = { collections: Array<{ name: string, readers: Array<string> }> };

export type IngestBatchMutationVariables = Exact<{
  collection: string;
  documents: Array<DocumentInput> | DocumentInput;
  readers?: Array<string> | string | null | undefined;
}>;


export type IngestBatchMutation = { ingestDocuments:
    | { __typename: 'BudgetExceededError', code: ErrorCode, message: string, retryable: boolean }
    | { __typename: 'ConflictError', code: ErrorCode, message: string, retryable: boolean }
    | { __typename: 'EmbeddingUnavailableError', code: ErrorCode, message: string, retryable: boolean }
    | { __typename: 'IngestedDocuments', created: number, updated: number, unchanged: number, chunks: number, rejected: Array<{ source: string, issues: Array<{ path: Array<string>, message: string }> }> }
    | { __typename: 'ModelTimeoutError', code: ErrorCode, message: string, retryable: boolean }
    | { __typename: 'RunCancelledError', code: ErrorCode, message: string, retryable: boolean }
    | { __typename: 'RunInterruptedError', code: ErrorCode, message: string, retryable: boolean }
   };

export type WordingFragment = { number: number, template: string, system: string | null, model: string | null, maxTokens: number | null, notes: string | null, createdBy: string };

export type PromptWordingsQueryVariables = Exact<{
  label: string;
  after?: string | null | undefined;
}>;


export type PromptWordingsQuery = { prompts: { edges: Array<{ node: { name: string, version: { number: number, template: string, system: string | null, model: string | null, maxTokens: number | null, notes: string | null, createdBy: string } | null } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type PromptToPushQueryVariables = Exact<{
  name: string;
  label: string;
}>;


export type PromptToPushQuery = { prompt: { version: { number: number, template: string, system: string | null, model: string | null, maxTokens: number | null, notes: string | null, createdBy: string } | null, versions: { edges: Array<{ node: { number: number, template: string, system: string | null, model: string | null, maxTokens: number | null, notes: string | null, createdBy: string } }> } } | null };

export type PublishWordingMutationVariables = Exact<{
  input: CreatePromptVersionInput;
}>;


export type PublishWordingMutation = { createPromptVersion:
    | { __typename: 'PromptNotFoundError', code: ErrorCode, message: string }
    | { __typename: 'PromptVersion', number: number }
    | { __typename: 'TemplateInvalidError', code: ErrorCode, message: string, issues: Array<{ path: Array<string>, message: string }> }
   };

export type MoveLabelMutationVariables = Exact<{
  input: SetPromptLabelInput;
}>;


export type MoveLabelMutation = { setPromptLabel:
    | { __typename: 'NotFoundError', code: ErrorCode, message: string }
    | { __typename: 'PromptLabel', name: string }
    | { __typename: 'PromptNotFoundError', code: ErrorCode, message: string }
   };

export type RankedSourcesQueryVariables = Exact<{
  input: SearchInput;
}>;


export type RankedSourcesQuery = { search: Array<{ source: string }> };

export type CollectionSettingsQueryVariables = Exact<{ [key: string]: never; }>;


export type CollectionSettingsQuery = { collections: Array<{ name: string, chunks: number, latentChunks: number }> };

export type SetEmbedderWeightMutationVariables = Exact<{
  collection: string;
  weight: number;
}>;


export type SetEmbedderWeightMutation = { updateCollection:
    | { __typename: 'Collection' }
    | { __typename: 'CollectionNotFoundError', message: string }
    | { __typename: 'EmbeddingUnavailableError', message: string }
   };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const WordingFragmentDoc = new TypedDocumentString(`
    fragment Wording on PromptVersion {
  number
  template
  system
  model
  maxTokens
  notes
  createdBy
}
    `, {"fragmentName":"Wording"}) as unknown as TypedDocumentString<WordingFragment, unknown>;
export const CollectionAccessDocument = new TypedDocumentString(`
    query CollectionAccess($userId: String!, $groups: [String!]) {
  collectionAccess(userId: $userId, groups: $groups) {
    collection
    mayRead
    reason
    documents
    readableDocuments
  }
}
    `) as unknown as TypedDocumentString<CollectionAccessQuery, CollectionAccessQueryVariables>;
export const StoredSourcesDocument = new TypedDocumentString(`
    query StoredSources($collection: String!, $after: String) {
  documents(collection: $collection, first: 100, after: $after) {
    edges {
      node {
        source
        metadata
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    `) as unknown as TypedDocumentString<StoredSourcesQuery, StoredSourcesQueryVariables>;
export const CollectionReadersDocument = new TypedDocumentString(`
    query CollectionReaders {
  collections {
    name
    readers
  }
}
    `) as unknown as TypedDocumentString<CollectionReadersQuery, CollectionReadersQueryVariables>;
export const IngestBatchDocument = new TypedDocumentString(`
    mutation IngestBatch($collection: String!, $documents: [DocumentInput!]!, $readers: [String!]) {
  ingestDocuments(
    input: {collection: $collection, documents: $documents, readers: $readers}
  ) {
    __typename
    ... on IngestedDocuments {
      created
      updated
      unchanged
      chunks
      rejected {
        source
        issues {
          path
          message
        }
      }
    }
    ... on Error {
      code
      message
      retryable
    }
  }
}
    `) as unknown as TypedDocumentString<IngestBatchMutation, IngestBatchMutationVariables>;
export const PromptWordingsDocument = new TypedDocumentString(`
    query PromptWordings($label: String!, $after: String) {
  prompts(first: 50, after: $after) {
    edges {
      node {
        name
        version(label: $label) {
          ...Wording
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment Wording on PromptVersion {
  number
  template
  system
  model
  maxTokens
  notes
  createdBy
}`) as unknown as TypedDocumentString<PromptWordingsQuery, PromptWordingsQueryVariables>;
export const PromptToPushDocument = new TypedDocumentString(`
    query PromptToPush($name: String!, $label: String!) {
  prompt(name: $name) {
    version(label: $label) {
      ...Wording
    }
    versions(first: 1) {
      edges {
        node {
          ...Wording
        }
      }
    }
  }
}
    fragment Wording on PromptVersion {
  number
  template
  system
  model
  maxTokens
  notes
  createdBy
}`) as unknown as TypedDocumentString<PromptToPushQuery, PromptToPushQueryVariables>;
export const PublishWordingDocument = new TypedDocumentString(`
    mutation PublishWording($input: CreatePromptVersionInput!) {
  createPromptVersion(input: $input) {
    __typename
    ... on PromptVersion {
      number
    }
    ... on Error {
      code
      message
    }
    ... on TemplateInvalidError {
      issues {
        path
        message
      }
    }
  }
}
    `) as unknown as TypedDocumentString<PublishWordingMutation, PublishWordingMutationVariables>;
export const MoveLabelDocument = new TypedDocumentString(`
    mutation MoveLabel($input: SetPromptLabelInput!) {
  setPromptLabel(input: $input) {
    __typename
    ... on PromptLabel {
      name
    }
    ... on Error {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<MoveLabelMutation, MoveLabelMutationVariables>;
export const RankedSourcesDocument = new TypedDocumentString(`
    query RankedSources($input: SearchInput!) {
  search(input: $input) {
    source
  }
}
    `) as unknown as TypedDocumentString<RankedSourcesQuery, RankedSourcesQueryVariables>;
export const CollectionSettingsDocument = new TypedDocumentString(`
    query CollectionSettings {
  collections {
    name
    chunks
    latentChunks
  }
}
    `) as unknown as TypedDocumentString<CollectionSettingsQuery, CollectionSettingsQueryVariables>;
export const SetEmbedderWeightDocument = new TypedDocumentString(`
    mutation SetEmbedderWeight($collection: String!, $weight: Float!) {
  updateCollection(input: {name: $collection, embedderWeight: $weight}) {
    __typename
    ... on Error {
      message
    }
  }
}
    `) as unknown as TypedDocumentString<SetEmbedderWeightMutation, SetEmbedderWeightMutationVariables>;