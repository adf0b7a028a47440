import type { Builder } from '../builder.ts';
import { mayRead, userScope } from '../limits/access.ts';
import { nameSchema } from '../name-schema.ts';

/** Subject of the default budget, which every user may see. */
const everyone = '*';

function declareBudgetType(builder: Builder): void {
  builder.node('Budget', {
    description:
      "A limit on the cost of a subject's calls within a day or a month. A call starts only if its worst case fits every budget that applies.",
    id: { resolve: (budget) => budget.id },
    loadOne: async (id, context) => {
      const budget = await context.loaders.budget.load(id);
      if (!budget) return null;
      return budget.subject === everyone || mayRead(context, 'budgets', budget.subject)
        ? budget
        : null;
    },
    fields: (t) => ({
      subject: t.exposeString('subject', {
        description: 'A user id, or "*": the default of every user who has none.',
      }),
      period: t.expose('period', {
        type: 'BudgetPeriod',
        description: 'The window after which spend starts again from 0.',
      }),
      limit: t.expose('limit', {
        type: 'USD',
        description: 'The most that may be spent within a window.',
      }),
      spent: t.expose('spent', {
        type: 'USD',
        description:
          'Cost of the calls settled in the current window. For "*": 0, unless read for a user.',
      }),
      held: t.expose('held', {
        type: 'USD',
        description: 'Held for calls in flight: spent + held never passes the limit.',
      }),
      remaining: t.expose('remaining', { type: 'USD', description: '`limit` - `spent` - `held`.' }),
      resetsAt: t.expose('resetsAt', {
        type: 'DateTime',
        description: 'End of the current window.',
      }),
    }),
  });
}

function declareSetBudget(builder: Builder): void {
  const SetBudgetInput = builder.inputType('SetBudgetInput', {
    description: 'A budget to create or replace.',
    fields: (t) => ({
      subject: t.string({
        required: true,
        description: 'A user id, or "*" for the default of each user.',
        validate: { schema: nameSchema() },
      }),
      period: t.field({
        type: 'BudgetPeriod',
        required: true,
        description: 'A subject has at most one budget of each period.',
      }),
      limit: t.field({
        type: 'USD',
        required: true,
        description:
          'The most that may be spent within a window. "0" refuses every call that costs.',
      }),
    }),
  });
  builder.mutationField('setBudget', (t) =>
    t.field({
      type: 'Budget',
      description:
        'Creates the budget of a subject and period, or replaces its limit. Applies to the next call on every server. For operators and admins.',
      authScopes: { operator: true },
      audit: ({ input: { subject, ...detail } }) => ({ subject, detail }),
      args: { input: t.arg({ type: SetBudgetInput, required: true }) },
      resolve: (_root, { input }, { services }) => services.ledger.setBudget(input),
    }),
  );
}

/** `Budget`, the list of those that apply to the caller, for an admin of all, and what sets one. */
export function declareBudget(builder: Builder): void {
  declareBudgetType(builder);
  builder.queryField('budgets', (t) =>
    t.field({
      type: ['Budget'],
      description:
        'Lists the budgets that apply to a subject, defaults included. Without `subject`: those of the caller, or all budgets for roles that may read them.',
      authScopes: { user: true, operator: true, auditor: true },
      args: {
        subject: t.arg.string({
          description: 'A user id, or "*".',
          validate: { schema: nameSchema() },
        }),
      },
      resolve: (_root, { subject }, context) =>
        context.services.ledger.budgets(userScope(context, 'budgets', subject)),
    }),
  );
  declareSetBudget(builder);
}
