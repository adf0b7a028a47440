import type { UsageTag } from './ledger.ts';

type Payer = Pick<UsageTag, 'runId' | 'userId'> &
  Partial<
    Pick<
      UsageTag,
      'requestId' | 'groups' | 'apiKeyId' | 'accessTokens' | 'tags' | 'agent' | 'conversationId'
    >
  >;

/** Attribution of an embedder's call that no prompt is behind. */
export const embeddingTag = (payer: Payer): UsageTag => ({
  runId: payer.runId,
  requestId: payer.requestId ?? '',
  userId: payer.userId,
  groups: payer.groups ?? [],
  apiKeyId: payer.apiKeyId ?? null,
  accessTokens: payer.accessTokens ?? [],
  kind: 'EMBEDDING',
  tags: payer.tags ?? [],
  agent: payer.agent ?? null,
  conversationId: payer.conversationId ?? null,
  promptVersionId: null,
  promptName: null,
  experimentId: null,
  variant: null,
});
