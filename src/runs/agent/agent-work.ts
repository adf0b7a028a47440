import type { AnyAgent } from '../../kernel/agent.ts';
import type { Message } from '../../kernel/model.ts';
import type { LiveRun } from '../live/live-run.ts';
import type { AgentInput } from './agent-input.ts';

/** An agent about to work: its definition, its run, and what it was asked. */
export interface AgentStart {
  run: LiveRun;
  agent: AnyAgent;
  input: AgentInput;
}

export interface AgentWork extends AgentStart {
  /** What the model is sent before its first turn: the conversation until then, and the message. */
  asked: readonly Message[];
}
