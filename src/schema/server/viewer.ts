import type { Builder } from '../builder.ts';
import { subjectsOf } from '../costs/budget-subject.ts';
import { callerOf } from '../limits/access.ts';

/** Who is calling. */
export function declareViewer(builder: Builder): void {
  builder.objectType('Viewer', {
    fields: (t) => ({
      userId: t.exposeString('userId'),
      groups: t.exposeStringList('groups', {
        description: 'As the token claims or the key has them.',
      }),
      roles: t.expose('roles', { type: ['Role'] }),
      budgets: t.field({
        type: ['Budget'],
        description: 'Budgets of the user, its groups and its key, defaults included.',
        resolve: (caller, _args, { services }) => services.ledger.budgets(subjectsOf(caller)),
      }),
    }),
  });
  builder.queryField('viewer', (t) =>
    t.field({
      type: 'Viewer',
      authScopes: { member: true },
      resolve: (_root, _args, context) => callerOf(context),
    }),
  );
}
