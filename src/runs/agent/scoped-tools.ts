import { allows } from '../../kernel/access/scopes.ts';
import type { AnyAgent } from '../../kernel/agent.ts';
import type { LiveRun } from '../live/live-run.ts';

/** Whether the key that began the run allows a tool of the agent, or another agent that it works with. */
export function mayUse({ row }: Pick<LiveRun, 'row'>, { agents }: AnyAgent, name: string): boolean {
  return allows(row.scopes, agents?.includes(name) ? 'agents' : 'tools', name);
}
