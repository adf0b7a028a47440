import type { Builder } from '../builder.ts';
import { callerOf } from '../limits/access.ts';

/** The caller. */
export function declareViewer(builder: Builder): void {
  builder.objectType('Viewer', {
    description: 'The caller.',
    fields: (t) => ({
      userId: t.exposeString('userId', { description: 'Id of the user.' }),
      groups: t.exposeStringList('groups', {
        description: 'Groups of the user, from the token or the key.',
      }),
      roles: t.expose('roles', { type: ['Role'], description: 'Roles of the request.' }),
      budgets: t.field({
        type: ['Budget'],
        description: 'Budgets that apply to the user, defaults included.',
        resolve: ({ userId }, _args, { services }) => services.ledger.budgets(userId),
      }),
    }),
  });
  builder.queryField('viewer', (t) =>
    t.field({
      type: 'Viewer',
      description: 'Returns the caller: user, groups, roles and budgets.',
      authScopes: { member: true },
      resolve: (_root, _args, context) => callerOf(context),
    }),
  );
}
