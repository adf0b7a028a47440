import type { Builder } from '../builder.ts';
import { declareConnection, pageArguments, pageRequest, toConnection } from '../connection.ts';
import { encodeGlobalId } from '../global-id.ts';
import { mayRead } from '../limits/access.ts';
import { pageCost } from '../limits/operation-limits.ts';

function declareAlertType(builder: Builder): void {
  builder.node('Alert', {
    description:
      'An expensive run, or a budget that reached a threshold. Alerts are raised once, whatever server notices.',
    id: { resolve: (alert) => alert.id },
    loadOne: async (id, context) => {
      const alert = await context.loaders.alert.load(id);
      return alert && mayRead(context, 'alerts', alert.userId) ? alert : null;
    },
    fields: (t) => ({
      kind: t.expose('kind', { type: 'AlertKind', description: 'The cause of the alert.' }),
      message: t.exposeString('message', { description: 'The alert as one sentence.' }),
      userId: t.exposeString('userId', {
        nullable: true,
        description: 'The user whose run or budget it is; null for the default budget.',
      }),
      runId: t.id({
        nullable: true,
        description: 'The expensive run; null for budget alerts.',
        resolve: ({ runId }) => runId && encodeGlobalId('Run', runId),
      }),
      cost: t.expose('cost', {
        type: 'USD',
        nullable: true,
        description: 'Cost of the run, or spend of the budget.',
      }),
      threshold: t.expose('threshold', {
        type: 'USD',
        nullable: true,
        description: 'The amount that was reached.',
      }),
      createdAt: t.expose('createdAt', {
        type: 'DateTime',
        description: 'The time when the alert was raised.',
      }),
    }),
  });
}

/** `Alert`, and the list of them; admins only. */
export function declareAlert(builder: Builder): void {
  declareAlertType(builder);
  const alerts = declareConnection(builder, 'Alert');
  builder.queryField('alerts', (t) =>
    t.field({
      type: alerts,
      description: 'Lists alerts, newest first. For operators and admins.',
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
        'Emits each alert raised from now on by any server. The stream never completes. For operators and admins.',
      authScopes: { operator: true },
      subscribe: (_root, _args, { services }) => services.ledger.alertsRaised(),
      resolve: (alert) => alert,
    }),
  );
}
