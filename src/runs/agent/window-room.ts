import type { RunServices } from '../run-services.ts';
import type { AgentState } from './agent-state.ts';
import { callOf } from './agent-turn.ts';
import type { AgentWork } from './agent-work.ts';

/**
 * Tokens that are left in the model's window beside the conversation and a turn of `maxTokens`; Infinity when the window is
 * not known. What was sent and said is counted as the provider billed it, where it did; what came since, by an estimate
 * that is rather too high.
 */
export function windowRoom(work: AgentWork, state: AgentState, services: RunServices): number {
  const { models } = services;
  const { chain, maxTokens } = work.input;
  const window = models.information(chain[0]!)?.contextWindow;
  if (window === undefined) return Number.POSITIVE_INFINITY;
  const { lastTurn, messages } = state;
  const room = window - maxTokens;
  if (!lastTurn || lastTurn.usage.estimated) {
    return room - models.estimateInputTokens(callOf(work, state, services), chain);
  }
  const { inputTokens, outputTokens } = lastTurn.usage;
  const since = messages.slice(messages.indexOf(lastTurn.message) + 1);
  return (
    room -
    inputTokens -
    outputTokens -
    models.estimateInputTokens({ messages: since, maxTokens }, chain)
  );
}
