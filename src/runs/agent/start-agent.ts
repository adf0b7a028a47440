import { DomainError } from '../../kernel/errors.ts';
import type { Registry } from '../../kernel/registry/registry.ts';
import type { Models } from '../../model/models.ts';
import type { Envelope } from '../live/live-run.ts';
import type { AgentRequest, RunOptions } from '../runs.ts';
import type { AgentInput } from './agent-input.ts';

const defaultMaxTurns = 10;
const defaultMaxTokens = 4_096;

/** What an agent's run begins with. Throws AGENT_NOT_FOUND; a model that nobody provides ends the run at its first turn. */
export function startAgent(
  request: AgentRequest & { depth?: number; envelope?: Envelope | null },
  { registry, models }: { registry: Registry; models: Models },
): { agent: string; input: AgentInput; model: string; options: RunOptions } {
  const agent = registry.agents.get(request.agent);
  if (!agent) {
    const known = [...registry.agents.keys()].join(', ');
    throw new DomainError(
      'AGENT_NOT_FOUND',
      `There is no agent "${request.agent}". There are: ${known || 'none'}.`,
    );
  }
  const options = request.options ?? {};
  const model = request.model ?? agent.model ?? models.resolve(null);
  const input = {
    agent: agent.name,
    message: request.message,
    maxTurns: request.maxTurns ?? agent.maxTurns ?? defaultMaxTurns,
    maxTokens: agent.maxTokens ?? defaultMaxTokens,
    instructions: agent.instructions,
    chain: [...new Set([model, ...(options.fallbackModels ?? [])])],
    options,
    depth: request.depth ?? 0,
    envelope: request.envelope ?? null,
  };
  return { agent: agent.name, input, model, options };
}
