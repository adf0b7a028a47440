import { pascalCase } from '../../kernel/registry/names.ts';
import type { Registry } from '../../kernel/registry/registry.ts';
import type { RunRecord } from '../../runs/runs.ts';

/** A run in the API. On a prompt's own field, `completionType` names the GraphQL type that types its output. */
export type RunView = RunRecord & { completionType?: string };

/** The GraphQL type of each kind of run. */
export const runTypes = {
  COMPLETION: 'Completion',
  ANSWER: 'Answer',
  AGENT: 'AgentRun',
  EMBEDDING: 'IngestRun',
} as const;

/** The GraphQL type of completions on a prompt's own field. */
export const completionTypeOf = (prompt: string): string => `${pascalCase(prompt)}Completion`;

/** A run that was begun on a prompt's own field, with that field's type wherever it is read. */
export function typedView(run: RunRecord, { prompts }: Pick<Registry, 'prompts'>): RunView {
  if (run.outputSelection === null || run.promptName === null) return run;
  const definition = prompts.get(run.promptName);
  if (!definition || (definition.output && run.output == null)) return run;
  return { ...run, completionType: completionTypeOf(definition.name) };
}

/** The GraphQL type of a run. */
export const runTypeName = (run: RunView): string => run.completionType ?? runTypes[run.kind];

/** A part of a run that needs to know of which. */
export type OfRun<Part> = Part & { runId: string };
