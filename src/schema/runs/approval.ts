import type { ApprovalRecord } from '../../kernel/run.ts';
import type { Builder } from '../builder.ts';
import { declareConnection, pageArguments, pageRequest, toConnection } from '../connection.ts';
import type { GraphQLContext } from '../context.ts';
import { encodeGlobalId, parseId } from '../global-id.ts';
import { callerOf } from '../limits/access.ts';
import { pageCost } from '../limits/operation-limits.ts';
import { asResult } from '../results/as-result.ts';
import { resultUnion } from '../results/result-union.ts';

const codes = ['APPROVAL_CONFLICT', 'PROMPT_VARIABLES_INVALID', 'NOT_FOUND'] as const;

/** An approval shows to whom its run shows. */
async function loadApproval(
  id: string,
  { loaders }: GraphQLContext,
): Promise<ApprovalRecord | null> {
  const approval = await loaders.approval.load(id);
  return approval && (await loaders.run.load(approval.runId)) ? approval : null;
}

function declareApprovalType(builder: Builder): void {
  builder.node('Approval', {
    id: { resolve: (approval) => approval.id },
    loadOne: loadApproval,
    fields: (t) => ({
      runId: t.id({ resolve: (approval) => encodeGlobalId('Run', approval.runId) }),
      tool: t.exposeString('tool'),
      input: t.field({ type: 'JSON', resolve: (approval) => approval.input }),
      editedInput: t.field({
        type: 'JSON',
        nullable: true,
        description: 'What whoever decided put in place of the input.',
        resolve: (approval) => approval.editedInput,
      }),
      status: t.expose('status', { type: 'ApprovalStatus' }),
      requestedAt: t.expose('requestedAt', { type: 'DateTime' }),
      decidedAt: t.expose('decidedAt', { type: 'DateTime', nullable: true }),
      decidedBy: t.exposeString('decidedBy', { nullable: true }),
      reason: t.exposeString('reason', { nullable: true }),
      expiresAt: t.expose('expiresAt', { type: 'DateTime', nullable: true }),
    }),
  });
}

function declareDecideApproval(builder: Builder): void {
  const DecideApprovalInput = builder.inputType('DecideApprovalInput', {
    fields: (t) => ({
      approvalId: t.id({ required: true }),
      approve: t.boolean({ required: true }),
      reason: t.string({ validate: { maxLength: 10_000 } }),
      editedInput: t.field({
        type: 'JSON',
        description: "Replaces the tool's input; validated against the tool's schema.",
      }),
    }),
  });
  const DecideApprovalResult = resultUnion(builder, 'DecideApprovalResult', {
    types: ['Approval'],
    codes,
  });
  builder.mutationField('decideApproval', (t) =>
    t.field({
      type: DecideApprovalResult,
      description:
        'Decides once, for good: a person, who owns the run or is an admin. The model has no way to.',
      authScopes: { user: true, approver: true },
      args: { input: t.arg({ type: DecideApprovalInput, required: true }) },
      resolve: (_root, { input }, context) => {
        const approvalId = parseId('Approval', input.approvalId, ['input', 'approvalId']);
        const decision = { ...input, approvalId };
        return asResult(codes, () =>
          context.services.runs.decideApproval(decision, callerOf(context)),
        );
      },
    }),
  );
}

/** `Approval`, the list of those that wait, and the decision. */
export function declareApproval(builder: Builder): void {
  declareApprovalType(builder);
  declareDecideApproval(builder);
  const connection = declareConnection(builder, 'Approval');
  builder.queryField('approvals', (t) =>
    t.field({
      type: connection,
      description: 'The approvals that wait for a decision, oldest first; admins only.',
      authScopes: { approver: true },
      complexity: pageCost,
      args: pageArguments(t.arg),
      resolve: async (_root, args, { services }) =>
        toConnection(await services.runs.pendingApprovals(pageRequest(args))),
    }),
  );
  builder.subscriptionField('approvalRequested', (t) =>
    t.field({
      type: 'Approval',
      description:
        'The approvals that wait for a decision, oldest first, then each new one as it is asked for; admins only. Never ends by itself.',
      authScopes: { approver: true },
      subscribe: (_root, _args, { services }) => services.runs.approvalRequests(),
      resolve: (approval) => approval,
    }),
  );
}
