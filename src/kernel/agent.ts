import type { z } from 'zod';

export interface AgentDefinition<Output extends z.ZodType | undefined = z.ZodType | undefined> {
  /** lower snake_case, unique over all plugins. */
  name: string;
  description: string;
  /** The system prompt. It never changes during a run. */
  instructions: string;
  /** Names of tools, of any plugin. */
  tools: string[];
  /** Names of agents that this one may call as tools. */
  agents?: string[];
  model?: string;
  /** Default 10. */
  maxTurns?: number;
  /** Per turn. Default 4,096. */
  maxTokens?: number;
  /** Lets the model think before each turn. Its thinking is streamed, and sent back to it unchanged. */
  reasoning?: boolean;
  /** The run ends with a value of this schema. */
  output?: Output;
}

export type AnyAgent = AgentDefinition;

/** Declares an agent: instructions, and the tools it may use until it has an answer. */
export function defineAgent<Output extends z.ZodType | undefined = undefined>(
  definition: AgentDefinition<Output>,
): AgentDefinition<Output> {
  return definition;
}
