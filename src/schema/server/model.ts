import type { Builder } from '../builder.ts';

function declareModelPrice(builder: Builder): void {
  builder.objectType('ModelPrice', {
    description: 'Price of a model in US dollars per million tokens.',
    fields: (t) => ({
      inputPerMillion: t.expose('inputPerMillion', {
        type: 'USD',
        description: 'Input tokens outside the prompt cache.',
      }),
      outputPerMillion: t.expose('outputPerMillion', {
        type: 'USD',
        description: 'Output tokens, thinking included.',
      }),
      cacheReadPerMillion: t.expose('cacheReadPerMillion', {
        type: 'USD',
        nullable: true,
        description: 'Input tokens read from the prompt cache; null without a separate price.',
      }),
      cacheWritePerMillion: t.expose('cacheWritePerMillion', {
        type: 'USD',
        nullable: true,
        description: 'Input tokens written to the prompt cache; null without a separate price.',
      }),
      effectiveFrom: t.expose('effectiveFrom', {
        type: 'DateTime',
        nullable: true,
        description: 'The time from which the price applies; null if it has always applied.',
      }),
    }),
  });
}

/** The models that the providers list, with their prices today. */
export function declareModel(builder: Builder): void {
  builder.objectType('Model', {
    description: 'A model of a configured provider.',
    fields: (t) => ({
      id: t.exposeString('id', { description: 'The name to use wherever a model is asked for.' }),
      provider: t.exposeString('provider', { description: 'Name of the provider.' }),
      contextWindow: t.exposeInt('contextWindow', {
        nullable: true,
        description: 'Maximum input and output tokens; null if the provider does not report it.',
      }),
      maxOutputTokens: t.exposeInt('maxOutputTokens', {
        nullable: true,
        description: 'Maximum output tokens; null if the provider does not report it.',
      }),
      lifecycle: t.exposeString('lifecycle', {
        nullable: true,
        description:
          'Lifecycle state as the provider reports it, such as "active" or "deprecated"; null if it does not.',
      }),
      price: t.expose('price', {
        type: 'ModelPrice',
        nullable: true,
        description: 'Price today; null if it is not known.',
      }),
      breaker: t.string({
        description:
          'Circuit breaker of this model on this server: "closed", "half-open", or "open" while calls go straight to the fallback.',
        resolve: ({ id }, _args, { services }) =>
          services.models.status().find(({ model }) => model === id)?.breaker ?? 'closed',
      }),
    }),
  });
  declareModelPrice(builder);
  builder.queryField('models', (t) =>
    t.field({
      type: ['Model'],
      description: 'Lists the models of this server, with their prices today.',
      authScopes: { member: true },
      resolve: (_root, _args, { services }) => services.models.list(),
    }),
  );
}
