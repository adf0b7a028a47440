import type { ErrorCode } from '../../kernel/errors.ts';

/** Meaning of each error code for a client. */
export const errorDescriptions: Readonly<Record<ErrorCode, string>> = {
  BUDGET_EXCEEDED: 'The worst case of the call does not fit a budget that applies.',
  PROMPT_NOT_FOUND: 'There is no prompt of this name, or no version of it that was asked for.',
  PROMPT_VARIABLES_INVALID: 'The variables do not match what the prompt declares.',
  TEMPLATE_INVALID:
    'The template does not parse, or uses variables that the prompt does not declare.',
  EXPERIMENT_INVALID: 'The experiment cannot run as described.',
  MODEL_NOT_FOUND: 'No provider of this server has the model.',
  MODEL_RATE_LIMITED: "The provider's rate limit is reached.",
  MODEL_OVERLOADED: 'The provider is overloaded.',
  MODEL_TIMEOUT: 'The model did not answer in time.',
  MODEL_UNAVAILABLE: 'The provider could not be reached, or refused the call.',
  MODEL_REFUSED: 'The model declined to answer.',
  OUTPUT_INVALID: "The model's answer does not match the prompt's output schema.",
  COLLECTION_NOT_FOUND: 'There is no collection of this name.',
  EMBEDDING_UNAVAILABLE: 'The embedder could not be reached.',
  AGENT_NOT_FOUND: 'There is no agent of this name.',
  MAX_TURNS_EXCEEDED: 'The agent had no answer after its last turn.',
  APPROVAL_CONFLICT: 'The approval was already decided, or has expired.',
  RUN_NOT_FOUND: 'There is no such run, or the caller may not read it.',
  RUN_CANCELLED: 'The run was cancelled.',
  RUN_INTERRUPTED: 'The server that executed the run went away.',
  NOT_FOUND: 'There is no such thing, or the caller may not read it.',
  CONFLICT: 'The request contradicts the present state.',
  FORBIDDEN: "The caller's roles or scopes do not allow this.",
  RATE_LIMITED: "A limit of the caller's key is reached.",
};
