import type { Builder } from '../builder.ts';

/** The models of this server, as far as their providers tell, with what they cost today. */
export function declareModel(builder: Builder): void {
  builder.objectType('Model', {
    fields: (t) => ({
      id: t.exposeString('id'),
      provider: t.exposeString('provider'),
      contextWindow: t.exposeInt('contextWindow', { nullable: true }),
      maxOutputTokens: t.exposeInt('maxOutputTokens', { nullable: true }),
      lifecycle: t.exposeString('lifecycle', { nullable: true }),
      price: t.expose('price', { type: 'ModelPrice', nullable: true }),
      breaker: t.string({
        description:
          'The circuit before this model on this server: "closed", "half-open", or "open" while calls go straight to the fallback.',
        resolve: ({ id }, _args, { services }) =>
          services.models.status().find(({ model }) => model === id)?.breaker ?? 'closed',
      }),
    }),
  });
  builder.objectType('ModelPrice', {
    fields: (t) => ({
      inputPerMillion: t.expose('inputPerMillion', { type: 'USD' }),
      outputPerMillion: t.expose('outputPerMillion', { type: 'USD' }),
      cacheReadPerMillion: t.expose('cacheReadPerMillion', { type: 'USD', nullable: true }),
      cacheWritePerMillion: t.expose('cacheWritePerMillion', { type: 'USD', nullable: true }),
      effectiveFrom: t.expose('effectiveFrom', { type: 'DateTime', nullable: true }),
    }),
  });
  builder.queryField('models', (t) =>
    t.field({
      type: ['Model'],
      authScopes: { member: true },
      resolve: (_root, _args, { services }) => services.models.list(),
    }),
  );
}
