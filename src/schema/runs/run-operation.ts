import type { InputFieldMap, InputShapeFromFields, OutputRef } from '@pothos/core';
import { Decimal } from 'decimal.js';
import type { GraphQLResolveInfo } from 'graphql';
import type { Caller } from '../../kernel/access/principal.ts';
import type { ErrorCode } from '../../kernel/errors.ts';
import { resultOrLeave } from '../../runs/reading/result-or-leave.ts';
import type { CompletionRequest, RunHandle, RunOptions, RunRecord, Runs } from '../../runs/runs.ts';
import type { Arguments, Builder } from '../builder.ts';
import type { GraphQLContext } from '../context.ts';
import { callerOf } from '../limits/access.ts';
import { generationCost } from '../limits/operation-limits.ts';
import { asResult, runAsResult } from '../results/as-result.ts';
import type { AuditedAction } from '../results/audit-plugin.ts';
import type { ErrorData } from '../results/error-data.ts';
import { assertWithinCost, type WorstCase, worstCaseKey } from './operation-cost.ts';
import { withRunDefaults } from './run-defaults.ts';
import { followRun } from './run-event-stream.ts';
import type { RunView } from './run-view.ts';

/** A root field of the pair. */
interface FieldText {
  name: string;
  description: string;
}

/** An operation that begins a run: a mutation that waits for its result, and a subscription that streams its events. */
export interface RunOperation<Fields extends InputFieldMap> {
  mutation: FieldText;
  subscription: FieldText;
  /** The mutation's result union. Its members are the run's type and the errors of `codes`. */
  result: OutputRef<ResultValue>;
  /** Errors that `result` returns as data. Other errors are thrown. */
  codes: readonly ErrorCode[];
  /** The access rule of both fields. Default: user. */
  scope?: 'user' | 'editor';
  /** Subject and detail of the entry in the audit log, for an operation that is an administrative action. */
  audit?: (args: InputShapeFromFields<Fields>) => AuditedAction;
  /** Arguments of both fields. */
  args: (arg: Arguments) => Fields;
  /** Begins the run. Rejects with a `DomainError` if it cannot start. */
  start: (
    args: InputShapeFromFields<Fields>,
    runs: Runs,
    request: { caller: Caller; info: GraphQLResolveInfo },
  ) => Promise<RunHandle>;
  /** The completion that `start` begins, for operations whose cost can be estimated. */
  completion?: (args: InputShapeFromFields<Fields>, info: GraphQLResolveInfo) => CompletionRequest;
  /** The mutation's value of a run that has ended or waits. Default: the run if it succeeded, else its error. */
  toResult?: (run: RunRecord, context: GraphQLContext) => ResultValue | Promise<ResultValue>;
  /** The run before it ends, for operations that defer parts of it; null if it has ended. Default: never. */
  early?: (
    run: { handle: RunHandle; ended: Promise<RunRecord> },
    request: { context: GraphQLContext; info: GraphQLResolveInfo },
  ) => Promise<ResultValue | null>;
  /** True if the mutation returns the run at once, without waiting for its end. Default: never. */
  returnsAtOnce?: (args: InputShapeFromFields<Fields>) => boolean;
  /** The run as `RunFinished` of the subscription shows it. Default: unchanged. */
  viewRun?: (run: RunRecord) => RunView;
}

type ResultValue = RunView | ErrorData;

/** The run as it is now. */
export async function currentRun(handle: RunHandle, context: GraphQLContext): Promise<RunRecord> {
  const run = await context.services.runs.get(handle.runId, callerOf(context));
  if (!run) throw new Error(`run ${handle.runId} vanished right after its start`);
  return run;
}

/** The lesser of the cost that the caller allows and the worst case of the completion. */
function worstCaseWith(completion: ToCompletion | undefined): WorstCase {
  return async (args, { context, info }) => {
    const { input, options } = args as RunArguments;
    const allowed = (input?.options ?? options)?.maxCost ?? null;
    if (!completion) return allowed;
    const request = completion(args, info);
    const { worstCase } = await context.services.runs.estimateCost(request, callerOf(context));
    if (worstCase === null || allowed === null) return worstCase ?? allowed;
    return Decimal.min(worstCase, allowed).toFixed();
  };
}

type ToCompletion = (args: object, info: GraphQLResolveInfo) => CompletionRequest;

interface RunArguments {
  input?: { options?: RunOptions | null };
  options?: RunOptions | null;
}

/** Options that both fields have. */
const sharedOptions = <Fields extends InputFieldMap>(operation: RunOperation<Fields>) => ({
  authScopes: { [operation.scope ?? 'user']: true },
  audit: operation.audit,
  complexity: generationCost,
  extensions: { [worstCaseKey]: worstCaseWith(operation.completion as ToCompletion | undefined) },
});

/** Begins the run of an operation, unless it may cost more than the caller allows. */
async function begin<Fields extends InputFieldMap>(
  { start }: RunOperation<Fields>,
  args: InputShapeFromFields<Fields>,
  { context, info }: { context: GraphQLContext; info: GraphQLResolveInfo },
): Promise<RunHandle> {
  await assertWithinCost(info, context);
  return start(args, context.services.runs, { caller: callerOf(context), info });
}

function declareMutation<Fields extends InputFieldMap>(
  builder: Builder,
  operation: RunOperation<Fields>,
): void {
  const { mutation, result, codes, returnsAtOnce, early } = operation;
  const { toResult = (run) => runAsResult(codes, run) } = operation;
  builder.mutationField(mutation.name, (t) =>
    t.field({
      ...sharedOptions(operation),
      type: result,
      description: mutation.description,
      args: operation.args(t.arg),
      resolve: (_root, args, context, info) =>
        asResult(codes, async () => {
          const handle = await begin(operation, args, { context, info });
          context.runIds.add(handle.runId);
          if (returnsAtOnce?.(args)) return currentRun(handle, context);
          const ended = resultOrLeave(handle, context.disconnected, 'disconnected');
          const first = await early?.({ handle, ended }, { context, info });
          return first ?? toResult(await ended, context);
        }),
    }),
  );
}

function declareSubscription<Fields extends InputFieldMap>(
  builder: Builder,
  operation: RunOperation<Fields>,
): void {
  const { subscription, viewRun } = operation;
  builder.subscriptionField(subscription.name, (t) =>
    t.field({
      ...sharedOptions(operation),
      type: 'RunEvent',
      description: subscription.description,
      args: operation.args(t.arg),
      subscribe: (_root, given, context, info) => {
        const args = withRunDefaults(given, context.runDefaults);
        return followRun(() => begin(operation, args, { context, info }), context, { viewRun });
      },
      resolve: (event) => event,
    }),
  );
}

/** Declares the mutation and the subscription of an operation. */
export function declareRunOperation<Fields extends InputFieldMap>(
  builder: Builder,
  operation: RunOperation<Fields>,
): void {
  declareMutation(builder, operation);
  declareSubscription(builder, operation);
}
