import type { CompletionRequest } from '../../runs/runs.ts';
import type { Builder } from '../builder.ts';
import type { PromptFields } from '../completions/prompt-fields.ts';
import { toPromptChoice } from '../completions/prompt-input.ts';
import { callerOf } from '../limits/access.ts';
import { nameSchema } from '../name-schema.ts';
import { thrownAsBadInput } from '../results/thrown-as-bad-input.ts';

function declareCostEstimateType(builder: Builder): void {
  builder.objectType('CostEstimate', {
    description:
      'Cost of a completion if it were begun now. No run is begun and no model is called.',
    fields: (t) => ({
      model: t.exposeString('model', { description: 'The model that would be called first.' }),
      inputTokens: t.exposeInt('inputTokens', {
        description:
          'Input tokens as the provider counts them; estimated if the provider cannot count.',
      }),
      worstCase: t.expose('worstCase', {
        type: 'USD',
        nullable: true,
        description:
          'The most that the completion can cost: all of `maxTokens` on the most expensive model of the chain. Null if a price is not known.',
      }),
      typical: t.expose('typical', {
        type: 'USD',
        nullable: true,
        description:
          'Cost with the average output of your calls of this prompt version, or of this model, in the last 30 days. Null if there were none.',
      }),
      price: t.expose('price', {
        type: 'ModelPrice',
        nullable: true,
        description: 'Price of `model` today; null if it is not known.',
      }),
    }),
  });
}

function declareEstimateCostInput(builder: Builder) {
  return builder.inputType('EstimateCostInput', {
    description: 'A completion as `complete` takes it.',
    fields: (t) => ({
      prompt: t.field({
        type: 'PromptInput',
        required: true,
        description: 'The prompt to estimate.',
      }),
      system: t.string({
        description: 'System prompt. Replaces that of a registered prompt.',
        validate: { maxLength: 1_000_000 },
      }),
      model: t.string({
        description: "Model to use. Default: the prompt version's model, then the server's.",
        validate: { schema: nameSchema() },
      }),
      maxTokens: t.int({
        description: "Maximum output tokens. Default: the prompt version's, then the server's.",
        validate: { min: 1, max: 1_000_000 },
      }),
      options: t.field({
        type: 'RunOptions',
        description: 'Options of the run that affect its cost, such as fallback models.',
      }),
    }),
  });
}

/** `estimateCost`: worst and typical cost of a completion. */
export function declareCostEstimate(builder: Builder, prompts: PromptFields): void {
  declareCostEstimateType(builder);
  const EstimateCostInput = declareEstimateCostInput(builder);
  builder.queryField('estimateCost', (t) =>
    t.field({
      type: 'CostEstimate',
      description:
        'Estimates the worst and the typical cost of a completion without calling a model. For an agent, estimate its first turn.',
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
