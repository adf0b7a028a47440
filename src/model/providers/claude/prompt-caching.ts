import type { ModelCall } from '../../../kernel/model.ts';
import { likelyTokens } from '../../token-estimate.ts';

/** Where the provider is asked to keep the prompt for the next call. */
export interface CachePlan {
  /** Behind tools and system: they repeat in every call of a prompt or agent. */
  afterSystem: boolean;
  /** Behind the last message: the conversation goes on, or its one message is long. */
  afterMessages: boolean;
}

/** No provider keeps less. */
const shortestPrefix = 1_024;
/** A single message is written at 1.25 of the input's price on the guess that it comes again: only when it is long. */
const longMessage = 2_048;

/**
 * Asks for caching where it pays: a write costs a quarter more once, a read saves nine tenths each time. What was just
 * retrieved for a single question will hardly come again.
 */
export function planCaching(call: ModelCall): CachePlan {
  const { system = '', tools = [], messages } = call;
  const fixed = likelyTokens(system) + (tools.length > 0 ? likelyTokens(JSON.stringify(tools)) : 0);
  const goesOn = messages.length > 1 || tools.length > 0;
  const spoken = likelyTokens(JSON.stringify(messages));
  const retrieved = messages.some(
    ({ role, content }) => role === 'user' && content.some(({ type }) => type === 'search_result'),
  );
  return {
    afterSystem: fixed >= shortestPrefix,
    afterMessages: goesOn ? fixed + spoken >= shortestPrefix : !retrieved && spoken >= longMessage,
  };
}
