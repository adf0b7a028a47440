import type { Builder } from '../builder.ts';

/** What this server is doing. */
export function declareServerStatus(builder: Builder): void {
  builder.objectType('ServerStatus', {
    fields: (t) => ({
      version: t.exposeString('version'),
      startedAt: t.expose('startedAt', { type: 'DateTime' }),
      openStreams: t.exposeInt('openStreams'),
      openModelCalls: t.exposeInt('openModelCalls'),
      database: t.exposeString('database'),
      providers: t.expose('providers', { type: ['ProviderStatus'] }),
    }),
  });
  builder.objectType('ProviderStatus', {
    fields: (t) => ({
      name: t.exposeString('name'),
      model: t.exposeString('model', { nullable: true }),
      breaker: t.exposeString('breaker'),
      queued: t.exposeInt('queued'),
    }),
  });
  builder.queryField('serverStatus', (t) =>
    t.field({
      type: 'ServerStatus',
      description: 'What this server is doing now; admins only.',
      authScopes: { operator: true },
      resolve: (_root, _args, { services }) => services.serverStatus(),
    }),
  );
}
