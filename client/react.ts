// The entry of `tessera/react`.
export { TesseraProvider, useClient } from './react/client-context.ts';
export type { ConversationState, Exchange, ToVariables } from './react/conversation-store.ts';
export { ConversationStore } from './react/conversation-store.ts';
export type { ClientToolCall, PendingApproval, RunState } from './react/run-store.ts';
export { RunStore } from './react/run-store.ts';
export { type UseAgentResult, useAgent } from './react/use-agent.ts';
export { type UseConversationResult, useConversation } from './react/use-conversation.ts';
export { type UsePartialOutputResult, usePartialOutput } from './react/use-partial-output.ts';
export { type UseRunResult, useRun } from './react/use-run.ts';
