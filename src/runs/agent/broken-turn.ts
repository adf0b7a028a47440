import { DomainError } from '../../kernel/errors.ts';
import { refusal } from '../calls/refusal.ts';
import type { AssistantTurn } from '../conversation/called-turns.ts';
import type { AgentInput } from './agent-input.ts';
import { textOf } from './agent-state.ts';

/** How a run ends whose last turn was refused or cut short. */
export function brokenTurn(turn: AssistantTurn, { maxTokens }: AgentInput): DomainError {
  if (turn.stopReason === 'refusal') return refusal(turn.refusal ?? null);
  const why =
    turn.stopReason === 'max_tokens'
      ? `maxTokens (${maxTokens}) was reached`
      : "the model's window is full";
  const what = `The agent's turn was cut short: ${why}. Give the agent more room, or less to read.`;
  const details = { text: textOf(turn), issues: [] };
  return new DomainError('OUTPUT_INVALID', what, { details, retryable: false });
}

/** How a run ends whose next turn finds no room, by our own count or by the provider's. */
export function windowFull(): DomainError {
  const what =
    "The conversation no longer fits the model's window. Give the agent less to read, or sub-agents that read for it.";
  const details = { text: '', issues: [] };
  return new DomainError('OUTPUT_INVALID', what, { details, retryable: false });
}

export function maxTurnsExceeded({ maxTurns, agent }: AgentInput): DomainError {
  const what = `The agent "${agent}" had no answer after ${maxTurns} turns. What it did is kept: see its turns.`;
  return new DomainError('MAX_TURNS_EXCEEDED', what);
}
