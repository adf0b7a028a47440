import type { Builder } from '../builder.ts';
import { mayRead, userScope } from '../limits/access.ts';
import { nameSchema } from '../name-schema.ts';

/** Whose budget is the default of everybody is everybody's to see. */
const everyone = '*';

function declareBudgetType(builder: Builder): void {
  builder.node('Budget', {
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
      period: t.expose('period', { type: 'BudgetPeriod' }),
      limit: t.expose('limit', { type: 'USD' }),
      spent: t.expose('spent', { type: 'USD' }),
      held: t.expose('held', {
        type: 'USD',
        description: 'Held for calls in flight: spent + held never passes the limit.',
      }),
      remaining: t.expose('remaining', { type: 'USD' }),
      resetsAt: t.expose('resetsAt', { type: 'DateTime' }),
    }),
  });
}

/** `Budget`, the list of those that apply to the caller, for an admin of all, and what sets one. */
export function declareBudget(builder: Builder): void {
  declareBudgetType(builder);
  builder.queryField('budgets', (t) =>
    t.field({
      type: ['Budget'],
      description:
        'What applies to a subject, defaults included: to the caller when it is left out; for an admin then all there are.',
      authScopes: { user: true, operator: true, auditor: true },
      args: { subject: t.arg.string({ validate: { schema: nameSchema() } }) },
      resolve: (_root, { subject }, context) =>
        context.services.ledger.budgets(userScope(context, 'budgets', subject)),
    }),
  );
  const SetBudgetInput = builder.inputType('SetBudgetInput', {
    fields: (t) => ({
      subject: t.string({ required: true, validate: { schema: nameSchema() } }),
      period: t.field({ type: 'BudgetPeriod', required: true }),
      limit: t.field({ type: 'USD', required: true }),
    }),
  });
  builder.mutationField('setBudget', (t) =>
    t.field({
      type: 'Budget',
      authScopes: { operator: true },
      audit: ({ input: { subject, ...detail } }) => ({ subject, detail }),
      args: { input: t.arg({ type: SetBudgetInput, required: true }) },
      resolve: (_root, { input }, { services }) => services.ledger.setBudget(input),
    }),
  );
}
