import type { Builder } from '../builder.ts';
import { parseId } from '../global-id.ts';
import { nameSchema } from '../name-schema.ts';
import { askedSubjects, bareSubject, mayReadBudget, shownSubject } from './budget-subject.ts';

function declareBudgetType(builder: Builder): void {
  builder.node('Budget', {
    description: 'A limit on what may be spent in a day or a month.',
    id: { resolve: (budget) => budget.id },
    loadOne: async (id, context) => {
      const budget = await context.loaders.budget.load(id);
      return budget && mayReadBudget(context, budget) ? budget : null;
    },
    fields: (t) => ({
      scope: t.expose('scope', { type: 'BudgetScope', description: 'What `subject` names.' }),
      subject: t.string({
        description:
          'A user id, a group, an API key’s id, a tag or a model; "*" is the default of each one in its scope without a budget of its own, and the subject of EVERYTHING.',
        resolve: shownSubject,
      }),
      period: t.expose('period', {
        type: 'BudgetPeriod',
        description: 'Days and months begin in the server’s time zone for budgets.',
      }),
      limit: t.expose('limit', { type: 'USD', description: 'Spent at most in one period.' }),
      spent: t.expose('spent', {
        type: 'USD',
        description:
          'Spent in the current period; 0 for a default, which has no spending of its own.',
      }),
      held: t.expose('held', {
        type: 'USD',
        description: 'Held for calls in flight: spent + held never passes the limit.',
      }),
      remaining: t.expose('remaining', {
        type: 'USD',
        description: 'Room for further calls: limit − spent − held.',
      }),
      resetsAt: t.expose('resetsAt', {
        type: 'DateTime',
        description: 'Start of the next period.',
      }),
    }),
  });
}

function declareBudgets(builder: Builder): void {
  builder.queryField('budgets', (t) =>
    t.field({
      type: ['Budget'],
      description:
        'Budgets that apply to a subject, defaults included. Without a subject: those of the caller, its groups and its key; all budgets for roles that may read all.',
      authScopes: { user: true, operator: true, auditor: true },
      args: {
        subject: t.arg.string({ validate: { schema: nameSchema() } }),
        scope: t.arg({ type: 'BudgetScope', description: 'What `subject` names. Default: USER.' }),
      },
      resolve: async (_root, { subject, scope }, context) => {
        const subjects = askedSubjects(context, { subject: subject ?? null, scope: scope ?? null });
        const budgets = await context.services.ledger.budgets(subjects);
        return scope == null ? budgets : budgets.filter((budget) => budget.scope === scope);
      },
    }),
  );
}

/** `Budget`, the list of those that apply, and what sets and deletes one. */
export function declareBudget(builder: Builder): void {
  declareBudgetType(builder);
  declareBudgets(builder);
  const SetBudgetInput = builder.inputType('SetBudgetInput', {
    fields: (t) => ({
      scope: t.field({ type: 'BudgetScope', description: 'What `subject` names. Default: USER.' }),
      subject: t.string({
        required: true,
        description:
          'A user id, a group, an API key’s id, a tag or a model; "*" for each one in the scope that has no budget of its own. "*" for EVERYTHING.',
        validate: { schema: nameSchema() },
      }),
      period: t.field({ type: 'BudgetPeriod', required: true }),
      limit: t.field({
        type: 'USD',
        required: true,
        description: 'Spent at most in one period, held amounts included.',
      }),
    }),
  });
  builder.mutationField('setBudget', (t) =>
    t.field({
      type: 'Budget',
      description:
        'Makes or changes the budget of a subject and period. It applies at once, on every server, and a new one counts what was spent since its period began.',
      authScopes: { operator: true },
      args: { input: t.arg({ type: SetBudgetInput, required: true }) },
      resolve: (_root, { input: { scope, subject, ...rest } }, { services }) =>
        services.ledger.setBudget({
          ...rest,
          scope: scope ?? 'USER',
          subject: bareSubject(scope ?? 'USER', subject, ['input', 'subject']),
        }),
    }),
  );
  builder.mutationField('deleteBudget', (t) =>
    t.field({
      type: 'Budget',
      nullable: true,
      description:
        'Ends a budget, at once and on every server. Null when there is none of this id.',
      authScopes: { operator: true },
      args: { id: t.arg.id({ required: true }) },
      resolve: (_root, { id }, { services }) =>
        services.ledger.deleteBudget(parseId('Budget', String(id))),
    }),
  );
}
