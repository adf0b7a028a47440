import type { CompletionRequest } from '../../runs/runs.ts';
import type { Builder } from '../builder.ts';
import type { PromptFields } from '../completions/prompt-fields.ts';
import { toPromptChoice } from '../completions/prompt-input.ts';
import { callerOf } from '../limits/access.ts';
import { nameSchema } from '../name-schema.ts';
import { thrownAsBadInput } from '../results/thrown-as-bad-input.ts';

/** `estimateCost`: what a completion may cost, and likely will, before it is begun. */
export function declareCostEstimate(builder: Builder, prompts: PromptFields): void {
  builder.objectType('CostEstimate', {
    description: 'What a completion would cost now. Nothing is begun, and no model is called.',
    fields: (t) => ({
      model: t.exposeString('model', { description: 'The model that would be asked first.' }),
      inputTokens: t.exposeInt('inputTokens', {
        description: 'As the provider counts them; estimated where it cannot.',
      }),
      worstCase: t.expose('worstCase', {
        type: 'USD',
        nullable: true,
        description:
          'The most that the completion can cost: all of maxTokens, on the most expensive model of the chain. Null if a price is not known.',
      }),
      typical: t.expose('typical', {
        type: 'USD',
        nullable: true,
        description:
          'With as much output as your calls of this prompt version, or of this model, had in the last 30 days. Null if there were none.',
      }),
      price: t.expose('price', { type: 'ModelPrice', nullable: true }),
    }),
  });
  const EstimateCostInput = builder.inputType('EstimateCostInput', {
    description: 'A completion as `complete` takes it.',
    fields: (t) => ({
      prompt: t.field({ type: 'PromptInput', required: true }),
      system: t.string({ validate: { maxLength: 1_000_000 } }),
      model: t.string({ validate: { schema: nameSchema() } }),
      maxTokens: t.int({ validate: { min: 1, max: 1_000_000 } }),
      options: t.field({ type: 'RunOptions' }),
    }),
  });
  builder.queryField('estimateCost', (t) =>
    t.field({
      type: 'CostEstimate',
      description:
        'What the completion may cost at worst, and likely will, without calling a model. For an agent, ask for its first turn.',
      authScopes: { user: true },
      complexity: 100,
      args: { input: t.arg({ type: EstimateCostInput, required: true }) },
      resolve: (_root, { input: { prompt, ...rest } }, context) => {
        const request: CompletionRequest = { ...rest, prompt: toPromptChoice(prompt, prompts) };
        return thrownAsBadInput(() =>
          context.services.runs.estimateCost(request, callerOf(context)),
        );
      },
    }),
  );
}
