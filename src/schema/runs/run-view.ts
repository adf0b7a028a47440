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

/** The GraphQL type of a run. */
export const runTypeName = (run: RunView): string => run.completionType ?? runTypes[run.kind];

/** A part of a run that needs to know of which. */
export type OfRun<Part> = Part & { runId: string };
