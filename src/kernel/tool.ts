import type { z } from 'zod';
import type { Approvers } from './access/approvers.ts';
import type { Role } from './access/principal.ts';
import type { Log } from './log.ts';
import type { SearchHit } from './run.ts';

/** Context of a tool call. */
export interface ToolContext {
  runId: string;
  callId: string;
  /** The user on whose behalf the run works, with the groups and roles that the run was begun with. */
  userId: string;
  groups: readonly string[];
  roles: readonly Role[];
  /** The request and the key that the call works for. Its effects are recorded under both. */
  requestId: string;
  apiKeyId: string | null;
  /** Aborted on the tool's timeout, the run's deadline and a cancel: hand it to everything that waits. */
  signal: AbortSignal;
  /** The same for every attempt of one call, also on another server after a crash. */
  idempotencyKey: string;
  /** 1 for the first. */
  attempt: number;
  log: Log;
  /** Offers passages that the model may cite, beside the tool's output. */
  cite(hits: SearchHit[]): void;
}

/** A method, so that its parameter is bivariant and tools of every input fit one list. */
interface ApprovalRule<Input> {
  needed(input: Input): boolean | Promise<boolean>;
}

export interface ToolDefinition<
  Input extends z.ZodObject = z.ZodObject,
  Output extends z.ZodType = z.ZodType,
> {
  /** As the model sees it: lower snake_case, unique over all plugins. */
  name: string;
  description: string;
  input: Input;
  output: Output;
  /** Per attempt. Default 30,000. */
  timeoutMs?: number;
  /** Further attempts after a failure; only where `idempotent`. Default 0. */
  retries?: number;
  /** May the same call be made twice without a second effect? Default false. */
  idempotent?: boolean;
  /** True, or a function of the checked input: the call then waits for a person's decision. Default false. */
  needsApproval?: boolean | ApprovalRule<z.output<Input>>['needed'];
  /**
   * The people who approve: 'owner' (default) confirms what is done in their own name. Where a call gives money or data
   * away, take 'others', or roles or groups.
   */
  approvers?: Approvers;
  /**
   * A throw goes back to the model as an error result: a `ToolError` with its message, which says what to do differently,
   * anything else without.
   */
  run(input: z.output<Input>, context: ToolContext): z.input<Output> | Promise<z.input<Output>>;
}

/** A tool of any input and output, as the registry keeps it: `run` is only ever called with what `input` parsed. */
export type AnyTool = ToolDefinition;

/** Declares a tool: the input's type flows from the schema to `run`, what `run` returns is checked against `output`. */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodType>(
  definition: ToolDefinition<Input, Output>,
): ToolDefinition<Input, Output> {
  return definition;
}
