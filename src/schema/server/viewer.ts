import type { Builder } from '../builder.ts';
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
        resolve: ({ userId }, _args, { services }) => services.ledger.budgets(userId),
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
