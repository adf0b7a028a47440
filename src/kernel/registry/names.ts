/** `rag_qa` → `ragQa`: how a prompt's name stands in the GraphQL schema. */
export const camelCase = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** `rag_qa` → `RagQa`: prefix of the names of a prompt's GraphQL types. */
export const pascalCase = (name: string): string => {
  const camel = camelCase(name);
  return camel.charAt(0).toUpperCase() + camel.slice(1);
};

/** Lower snake_case, at most 64 characters: a valid name for model providers and GraphQL. */
export const isSnakeCase = (name: unknown): name is string =>
  typeof name === 'string' && name.length <= 64 && /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name);

export const isKebabCase = (name: unknown): name is string =>
  typeof name === 'string' && name.length <= 64 && /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name);

/**
 * The camelCase names a prompt cannot have: the root fields of the public schema, which a prompt's own field (and the
 * result type named after it) would replace, and the fields that `PromptInput` has for itself.
 */
export const reservedPromptFields: ReadonlySet<string> = new Set([
  'node',
  'viewer',
  'models',
  'plugins',
  'tools',
  'agents',
  'prompt',
  'prompts',
  'renderPrompt',
  'experiment',
  'experiments',
  'collection',
  'collections',
  'document',
  'documents',
  'search',
  'run',
  'runs',
  'costStats',
  'usageRecords',
  'budgets',
  'alerts',
  'serverStatus',
  'approval',
  'approvals',
  'apiKeys',
  'complete',
  'ask',
  'runAgent',
  'cancelRun',
  'decideApproval',
  'scoreRun',
  'createPromptVersion',
  'setPromptLabel',
  'createExperiment',
  'startExperiment',
  'stopExperiment',
  'setExperimentWeights',
  'updateCollection',
  'deleteCollection',
  'ingestDocuments',
  'deleteDocument',
  'setBudget',
  'createApiKey',
  'revokeApiKey',
  'estimateCost',
  'conversation',
  'conversations',
  'file',
  'auditLog',
  'sessions',
  'updateConversation',
  'deleteConversation',
  'submitToolResults',
  'createAccessToken',
  'revokeAccessToken',
  'accessTokens',
  'rotateApiKey',
  'eraseUser',
  'signOut',
  'endSessions',
  'deleteBudget',
  'runChanged',
  'completion',
  'answer',
  'agent',
  'ingest',
  'runEvents',
  'approvalRequested',
  'alertRaised',
  'text',
  'messages',
  'named',
]);
