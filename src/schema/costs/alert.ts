import type { Builder } from '../builder.ts';
import { declareConnection, pageArguments, pageRequest, toConnection } from '../connection.ts';
import { encodeGlobalId } from '../global-id.ts';
import { mayRead } from '../limits/access.ts';
import { pageCost } from '../limits/operation-limits.ts';

/** `Alert`, and the list of them; admins only. */
export function declareAlert(builder: Builder): void {
  builder.node('Alert', {
    id: { resolve: (alert) => alert.id },
    loadOne: async (id, context) => {
      const alert = await context.loaders.alert.load(id);
      return alert && mayRead(context, 'alerts', alert.userId) ? alert : null;
    },
    fields: (t) => ({
      kind: t.expose('kind', { type: 'AlertKind' }),
      message: t.exposeString('message'),
      userId: t.exposeString('userId', { nullable: true }),
      runId: t.id({
        nullable: true,
        resolve: ({ runId }) => runId && encodeGlobalId('Run', runId),
      }),
      cost: t.expose('cost', { type: 'USD', nullable: true }),
      threshold: t.expose('threshold', { type: 'USD', nullable: true }),
      createdAt: t.expose('createdAt', { type: 'DateTime' }),
    }),
  });
  const alerts = declareConnection(builder, 'Alert');
  builder.queryField('alerts', (t) =>
    t.field({
      type: alerts,
      description: 'Newest first; admins only.',
      authScopes: { operator: true },
      complexity: pageCost,
      args: pageArguments(t.arg),
      resolve: async (_root, args, { services }) =>
        toConnection(await services.ledger.alerts(pageRequest(args))),
    }),
  );
  builder.subscriptionField('alertRaised', (t) =>
    t.field({
      type: 'Alert',
      description:
        'Each alert from now on, whichever server raises it; admins only. Never ends by itself.',
      authScopes: { operator: true },
      subscribe: (_root, _args, { services }) => services.ledger.alertsRaised(),
      resolve: (alert) => alert,
    }),
  );
}
