import type { ApprovalRecord } from '../../kernel/run.ts';
import type { Builder } from '../builder.ts';
import { declareConnection, pageArguments, pageRequest, toConnection } from '../connection.ts';
import type { GraphQLContext } from '../context.ts';
import { encodeGlobalId, parseId } from '../global-id.ts';
import { callerOf, mayRead } from '../limits/access.ts';
import { pageCost } from '../limits/operation-limits.ts';
import { asResult } from '../results/as-result.ts';
import { resultUnion } from '../results/result-union.ts';

const codes = ['APPROVAL_CONFLICT', 'PROMPT_VARIABLES_INVALID', 'NOT_FOUND'] as const;

/** An approval shows to those who may read its run's content, and to those who may decide. */
async function loadApproval(id: string, context: GraphQLContext): Promise<ApprovalRecord | null> {
  const approval = await context.loaders.approval.load(id);
  if (!approval) return null;
  const mayDecide = () => context.services.runs.mayDecide(approval, callerOf(context));
  return mayRead(context, 'content', approval.ownerId) || mayDecide() ? approval : null;
}

function declareApprovalType(builder: Builder): void {
  builder.node('Approval', {
    description:
      'A tool call that a person decides on. It is bound to its exact input and is used once.',
    id: { resolve: (approval) => approval.id },
    loadOne: loadApproval,
    fields: (t) => ({
      runId: t.id({
        description: 'The run that asks.',
        resolve: (approval) => encodeGlobalId('Run', approval.runId),
      }),
      tool: t.exposeString('tool', { description: 'Name of the tool.' }),
      input: t.field({
        type: 'JSON',
        description: 'Input of the call.',
        resolve: (approval) => approval.input,
      }),
      editedInput: t.field({
        type: 'JSON',
        nullable: true,
        description: 'Input that replaced it on approval; null if it was not edited.',
        resolve: (approval) => approval.editedInput,
      }),
      status: t.expose('status', { type: 'ApprovalStatus', description: 'State of the approval.' }),
      requestedAt: t.expose('requestedAt', {
        type: 'DateTime',
        description: 'The time when it was requested.',
      }),
      decidedAt: t.expose('decidedAt', {
        type: 'DateTime',
        nullable: true,
        description: 'The time of the decision; null before.',
      }),
      decidedBy: t.exposeString('decidedBy', {
        nullable: true,
        description: 'The user who decided; null before.',
      }),
      reason: t.exposeString('reason', {
        nullable: true,
        description: 'The reason that was given. The model reads that of a rejection.',
      }),
      expiresAt: t.expose('expiresAt', {
        type: 'DateTime',
        nullable: true,
        description:
          'The time after which it can no longer be decided; null if it does not expire.',
      }),
    }),
  });
}

function declareDecideApproval(builder: Builder): void {
  const DecideApprovalInput = builder.inputType('DecideApprovalInput', {
    description: 'A decision on a tool call.',
    fields: (t) => ({
      approvalId: t.id({ required: true, description: 'The approval.' }),
      approve: t.boolean({
        required: true,
        description: 'True to make the call, false to reject it.',
      }),
      reason: t.string({
        description: 'Reason. The model reads that of a rejection.',
        validate: { maxLength: 10_000 },
      }),
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
        "Decides on a tool call, once. A person decides whom the tool names (by default the run's owner), or an admin; never the model.",
      authScopes: { user: true, approver: true },
      audit: ({ input: { approvalId, approve, editedInput } }, decided) => ({
        subject: encodeGlobalId('Approval', parseId('Approval', approvalId)),
        detail: {
          tool: (decided as ApprovalRecord | undefined)?.tool,
          approve,
          edited: editedInput != null,
        },
      }),
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
      description: 'Lists the approvals that wait for a decision of the caller, oldest first.',
      authScopes: { approver: true },
      complexity: pageCost,
      args: pageArguments(t.arg),
      resolve: async (_root, args, context) => {
        const { runs } = context.services;
        return toConnection(await runs.pendingApprovals(pageRequest(args), callerOf(context)));
      },
    }),
  );
  builder.subscriptionField('approvalRequested', (t) =>
    t.field({
      type: 'Approval',
      description:
        'Emits the approvals that wait for a decision of the caller, oldest first, then each new one. The stream never completes.',
      authScopes: { approver: true },
      subscribe: (_root, _args, context) =>
        context.services.runs.approvalRequests(callerOf(context)),
      resolve: (approval) => approval,
    }),
  );
}
