import { z } from 'zod';
import type { AnyAgent } from '../../kernel/agent.ts';
import type { ToolSpecification } from '../../kernel/model.ts';
import type { LiveRun } from '../live/live-run.ts';
import type { RunRecord } from '../runs.ts';

/** What an agent says to another that it uses as a tool. */
export const subAgentInput = z.object({ message: z.string().min(1) });

export function subAgentSpecification({ name, description }: AnyAgent): ToolSpecification {
  const { $schema: _, ...inputSchema } = z.toJSONSchema(subAgentInput);
  return { name, description, inputSchema };
}

/** How the loop runs another agent on behalf of its own run. */
export interface SubAgents {
  /**
   * Begins a run of this id that inherits budget, deadline, cancel and request, and resolves once it is stored. When
   * there is one already, begun before a crash, it is left alone.
   */
  start(
    parent: LiveRun,
    child: { id: string; agent: string; message: string; depth: number },
  ): Promise<void>;
  /** Waits for a sub-agent's run, wherever it is executed, until it has ended or waits for an approval. */
  result(runId: string, signal: AbortSignal): Promise<RunRecord>;
  /** Stops a sub-agent's run, and those that work for it, wherever they are. */
  stop(runId: string): Promise<void>;
}
