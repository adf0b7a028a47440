import type { AnyAgent } from '../../kernel/agent.ts';
import type { LiveRun } from '../live/live-run.ts';
import type { AgentInput } from './agent-input.ts';

/** An agent at work: its definition, its run, and what it was asked. */
export interface AgentWork {
  run: LiveRun;
  agent: AnyAgent;
  input: AgentInput;
}
