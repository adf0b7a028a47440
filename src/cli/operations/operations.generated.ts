/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** The template is checked before it is stored: it parses, it uses only declared variables, it renders with a sample. */
export type CreatePromptVersionInput = {
  labels?: Array<string> | null | undefined;
  maxTokens?: number | null | undefined;
  model?: string | null | undefined;
  notes?: string | null | undefined;
  /** WHOLE asks for all output fields, whatever an operation selects. */
  outputFields?: OutputFields | null | undefined;
  prompt: string;
  system?: string | null | undefined;
  template: string;
};

/** Ingesting the same source again replaces it; unchanged text is not embedded again. */
export type DocumentInput = {
  metadata?: unknown;
  source: string;
  text: string;
  title?: string | null | undefined;
};

export type ErrorCode =
  | 'AGENT_NOT_FOUND'
  | 'APPROVAL_CONFLICT'
  | 'BUDGET_EXCEEDED'
  | 'COLLECTION_NOT_FOUND'
  | 'CONFLICT'
  | 'EMBEDDING_UNAVAILABLE'
  | 'EXPERIMENT_INVALID'
  | 'FORBIDDEN'
  | 'MAX_TURNS_EXCEEDED'
  | 'MODEL_NOT_FOUND'
  | 'MODEL_OVERLOADED'
  | 'MODEL_RATE_LIMITED'
  | 'MODEL_REFUSED'
  | 'MODEL_TIMEOUT'
  | 'MODEL_UNAVAILABLE'
  | 'NOT_FOUND'
  | 'OUTPUT_INVALID'
  | 'PROMPT_NOT_FOUND'
  | 'PROMPT_VARIABLES_INVALID'
  | 'RATE_LIMITED'
  | 'RUN_CANCELLED'
  | 'RUN_INTERRUPTED'
  | 'RUN_NOT_FOUND'
  | 'TEMPLATE_INVALID';

export type OutputFields =
  | 'SELECTED'
  | 'WHOLE';

export type SearchInput = {
  collection?: string | null | undefined;
  /** 0 (default) to 1: how much a passage is pushed down for being like better ones. */
  diversity?: number | null | undefined;
  /** What the embedder's score counts beside keywords, instead of the collection's setting: to compare weights. */
  embedderWeight?: number | null | undefined;
  filter?: unknown;
  /** What the collection's latent space counts, likewise. */
  latentWeight?: number | null | undefined;
  mode?: SearchMode | null | undefined;
  query: string;
  /** The name of a reranker (see `plugins`): it reads what was found beside the question and orders it anew. One with a model costs what the model costs. */
  rerank?: string | null | undefined;
  topK?: number | null | undefined;
};

export type SearchMode =
  | 'HYBRID'
  | 'KEYWORD'
  | 'SEMANTIC';

/** Deploy and rollback alike: move a label to a version. Takes effect on every server at once. */
export type SetPromptLabelInput = {
  label: string;
  prompt: string;
  version: number;
};

export type StoredSourcesQueryVariables = Exact<{
  collection: string;
  after?: string | null | undefined;
}>;


export type StoredSourcesQuery = { documents: { edges: Array<{ node: { source: string, metadata: unknown } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type IngestBatchMutationVariables = Exact<{
  collection: string;
  documents: Array<DocumentInput> | DocumentInput;
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

export type CreateLoginLinkMutationVariables = Exact<{ [key: string]: never; }>;


export type CreateLoginLinkMutation = { createLoginLink: { path: string, expiresAt: string } };

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
export const IngestBatchDocument = new TypedDocumentString(`
    mutation IngestBatch($collection: String!, $documents: [DocumentInput!]!) {
  ingestDocuments(input: {collection: $collection, documents: $documents}) {
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
export const CreateLoginLinkDocument = new TypedDocumentString(`
    mutation CreateLoginLink {
  createLoginLink {
    path
    expiresAt
  }
}
    `) as unknown as TypedDocumentString<CreateLoginLinkMutation, CreateLoginLinkMutationVariables>;
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