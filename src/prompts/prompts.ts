import type { Message } from '../kernel/model.ts';
import type { Page, PageRequest } from '../kernel/page.ts';
import type { AnyPrompt } from '../kernel/prompt.ts';
import type { Registered } from '../kernel/registry/registry.ts';
import type { OutputFields } from '../kernel/run.ts';

export interface PromptRecord {
  id: string;
  name: string;
  createdAt: Date;
  /** The contract; null when no plugin of this server registers the prompt any more. */
  definition: Registered<AnyPrompt> | null;
}

export interface PromptVersionRecord {
  id: string;
  promptId: string;
  promptName: string;
  number: number;
  template: string;
  system: string | null;
  model: string | null;
  maxTokens: number | null;
  /** What a prompt's own field asks for when its caller does not say; null: what the caller selects. */
  outputFields: OutputFields | null;
  notes: string | null;
  createdAt: Date;
  createdBy: string;
}

export interface PromptLabelRecord {
  name: string;
  promptId: string;
  versionId: string;
  updatedAt: Date;
  updatedBy: string;
}

export interface PromptLabelChangeRecord {
  id: string;
  label: string;
  versionId: string;
  changedAt: Date;
  changedBy: string;
}

export interface ExperimentRecord {
  id: string;
  name: string;
  promptId: string;
  status: 'DRAFT' | 'RUNNING' | 'STOPPED';
  startedAt: Date | null;
  endedAt: Date | null;
  variants: ExperimentVariantRecord[];
}

export interface ExperimentVariantRecord {
  id: string;
  experimentId: string;
  name: string;
  versionId: string;
  weight: number;
}

export interface VariantStatistics {
  runs: number;
  /** US dollars, exact. */
  cost: string;
  averageDurationMs: number | null;
  scores: { name: string; count: number; mean: number; low: number; high: number }[];
}

export interface Assignment {
  experimentId: string;
  experiment: string;
  variant: string;
  versionId: string;
}

export interface NamedPrompt {
  name: string;
  version?: number | null;
  label?: string | null;
  variables?: unknown;
}

/** A prompt ready to be sent. */
export interface RenderedPrompt {
  definition: Registered<AnyPrompt>;
  version: PromptVersionRecord;
  assignment: Assignment | null;
  system: string | null;
  /** Few-shot examples as earlier turns, then the rendered template as the last user message. */
  messages: Message[];
  /** The text of that last message. */
  text: string;
  estimatedTokens: number;
}

export interface Prompts {
  /** Stores version 1 of every registered prompt, labelled production, and a new version where a plugin's wording changed. */
  synchronize(): Promise<void>;
  /**
   * Chooses the version (the given one; else the running experiment's for `subject`; else the label, "production" by
   * default), checks the variables against the contract and renders. A moved label is in force for the next call on
   * every server. Rejects with PROMPT_NOT_FOUND, PROMPT_VARIABLES_INVALID.
   */
  render(prompt: NamedPrompt, subject: string): Promise<RenderedPrompt>;

  get(name: string): Promise<PromptRecord | null>;
  list(request: PageRequest & { search?: string | null }): Promise<Page<PromptRecord>>;
  /** Batched by id, in the order asked; null where there is none. */
  promptsById(ids: readonly string[]): Promise<(PromptRecord | null)[]>;
  promptsByName(names: readonly string[]): Promise<(PromptRecord | null)[]>;
  versionsById(ids: readonly string[]): Promise<(PromptVersionRecord | null)[]>;
  versions(promptId: string, request: PageRequest): Promise<Page<PromptVersionRecord>>;
  version(
    promptId: string,
    choice: { number?: number | null; label?: string | null },
  ): Promise<PromptVersionRecord | null>;
  labels(promptIds: readonly string[]): Promise<PromptLabelRecord[][]>;
  /** Newest first. */
  labelChanges(promptId: string, request: PageRequest): Promise<Page<PromptLabelChangeRecord>>;
  /** Unified diff of the template against another version's, the one before by default. */
  diff(versionId: string, against?: number | null): Promise<string>;
  /** Rejects with PROMPT_NOT_FOUND or TEMPLATE_INVALID; nothing is half stored. */
  createVersion(
    input: {
      prompt: string;
      template: string;
      system?: string | null;
      model?: string | null;
      maxTokens?: number | null;
      outputFields?: OutputFields | null;
      notes?: string | null;
      labels?: readonly string[] | null;
    },
    author: string,
  ): Promise<PromptVersionRecord>;
  /** Rejects with PROMPT_NOT_FOUND, or NOT_FOUND for the version. */
  setLabel(
    input: { prompt: string; label: string; version: number },
    author: string,
  ): Promise<PromptLabelRecord>;

  experiment(name: string): Promise<ExperimentRecord | null>;
  /** Newest first. Throws `InvalidInputError` for a bad cursor or page size. */
  experiments(request: PageRequest): Promise<Page<ExperimentRecord>>;
  experimentsById(ids: readonly string[]): Promise<(ExperimentRecord | null)[]>;
  /** The running experiment of a prompt, else its newest; null where it has none. */
  experimentOf(promptId: string): Promise<ExperimentRecord | null>;
  /** `experimentOf`, batched. */
  experimentsOf(promptIds: readonly string[]): Promise<(ExperimentRecord | null)[]>;
  /** Rejects with EXPERIMENT_INVALID, PROMPT_NOT_FOUND, CONFLICT. */
  createExperiment(
    input: {
      name: string;
      prompt: string;
      variants: readonly { name: string; version: number; weight: number }[];
      start?: boolean | null;
    },
    author: string,
  ): Promise<ExperimentRecord>;
  /** Also goes on with a stopped one. Rejects with NOT_FOUND, or CONFLICT while another runs on the prompt. */
  startExperiment(name: string): Promise<ExperimentRecord>;
  /** Rejects with NOT_FOUND, or EXPERIMENT_INVALID for one that was never started. */
  stopExperiment(name: string): Promise<ExperimentRecord>;
  /**
   * Changes the weights of the variants that are named, in force for the next call on every server: subjects move only
   * to a variant whose weight has grown against the others', and only from one whose has shrunk. Rejects with NOT_FOUND
   * or EXPERIMENT_INVALID.
   */
  setExperimentWeights(input: {
    name: string;
    variants: readonly { name: string; weight: number }[];
  }): Promise<ExperimentRecord>;
  assign(experiment: ExperimentRecord, subject: string): Assignment;
  /** By variant name; variants without a run are left out. One score has an interval of every finite number. */
  variantStatistics(experimentId: string): Promise<Map<string, VariantStatistics>>;
}
