import type { Builder } from '../builder.ts';

/** State of this server. */
export function declareServerStatus(builder: Builder): void {
  builder.objectType('ServerStatus', {
    description: 'State of the server that answers.',
    fields: (t) => ({
      version: t.exposeString('version', { description: 'Version of Tessera.' }),
      startedAt: t.expose('startedAt', {
        type: 'DateTime',
        description: 'The time when the server started.',
      }),
      openStreams: t.exposeInt('openStreams', { description: 'Streams that clients read now.' }),
      openModelCalls: t.exposeInt('openModelCalls', { description: 'Provider calls open now.' }),
      database: t.exposeString('database', { description: '"embedded" or "postgres".' }),
      providers: t.expose('providers', {
        type: ['ProviderStatus'],
        description: 'One entry for each provider, and one for each model that was called.',
      }),
    }),
  });
  builder.objectType('ProviderStatus', {
    description: 'A provider, or one of its models, as this server sees it.',
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Name of the provider.' }),
      model: t.exposeString('model', {
        nullable: true,
        description: 'Name of the model; null for the provider as a whole.',
      }),
      breaker: t.exposeString('breaker', {
        description:
          'Circuit breaker of the model: "closed", "open" or "half-open"; "closed" for a provider.',
      }),
      queued: t.exposeInt('queued', {
        description: 'Calls of the provider that wait for a free place; 0 for a model.',
      }),
    }),
  });
  builder.queryField('serverStatus', (t) =>
    t.field({
      type: 'ServerStatus',
      description: 'Returns the state of the server that answers. For operators and admins.',
      authScopes: { operator: true },
      resolve: (_root, _args, { services }) => services.serverStatus(),
    }),
  );
}
