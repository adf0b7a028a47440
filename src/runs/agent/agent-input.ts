import type { Envelope } from '../live/live-run.ts';
import type { RunOptions } from '../runs.ts';

/** What an agent's run keeps of its start, so that any server can go on with it after any deployment. */
export interface AgentInput {
  agent: string;
  message: string;
  maxTurns: number;
  maxTokens: number;
  /** As they stood when the run began: a conversation's system prompt never changes. */
  instructions: string;
  chain: string[];
  options: RunOptions;
  /** 0 for an agent that a client started, 1 for its sub-agents, and so on. */
  depth: number;
  /** The bound on the cost that a sub-agent shares with whoever it works for. */
  envelope?: Envelope | null;
}

export const deepestAgent = 3;
