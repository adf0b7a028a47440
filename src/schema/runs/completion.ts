import type { CompletionRequest } from '../../runs/runs.ts';
import type { Builder } from '../builder.ts';
import { callerOf } from '../limits/access.ts';
import { generationCost } from '../limits/operation-limits.ts';
import { nameSchema } from '../name-schema.ts';
import type { PromptFields } from '../prompts/prompt-fields.ts';
import { type PromptInputValue, toPromptChoice } from '../prompts/prompt-input.ts';
import { asResult, runAsResult } from '../results/as-result.ts';
import { resultUnion } from '../results/result-union.ts';
import { withoutUndefined } from '../without-undefined.ts';
import { completionCodes } from './completion-codes.ts';
import { completionFields } from './completion-fields.ts';
import { followRun } from './run-event-stream.ts';
import { runInterfaces } from './run-interfaces.ts';
import { type RunOptionsValue, toRunOptions } from './run-options.ts';
import { runResult } from './run-result.ts';

function declareCompletionType(builder: Builder): void {
  builder.objectType('Completion', {
    interfaces: runInterfaces(builder),
    fields: (t) => ({
      ...completionFields(t),
      output: t.expose('output', {
        type: 'JSON',
        nullable: true,
        description:
          "Set when the prompt declares an output schema; typed per prompt on the prompt's own field.",
      }),
    }),
  });
}

function declareCompleteInput(builder: Builder) {
  return builder.inputType('CompleteInput', {
    fields: (t) => ({
      prompt: t.field({ type: 'PromptInput', required: true }),
      system: t.string({ validate: { maxLength: 1_000_000 } }),
      model: t.string({
        description: "Defaults to the prompt version's model, then to the server's.",
        validate: { schema: nameSchema() },
      }),
      maxTokens: t.int({ validate: { min: 1, max: 1_000_000 } }),
      options: t.field({ type: 'RunOptions' }),
    }),
  });
}

interface CompleteInputValue {
  prompt: PromptInputValue;
  system?: string | null | undefined;
  model?: string | null | undefined;
  maxTokens?: number | null | undefined;
  options?: RunOptionsValue | null | undefined;
}

function toRequest(input: CompleteInputValue, prompts: PromptFields): CompletionRequest {
  const { prompt, options, ...rest } = input;
  return {
    ...withoutUndefined(rest),
    prompt: toPromptChoice(prompt, prompts),
    options: toRunOptions(options),
  };
}

/** `Completion`, with the mutation that waits for it and the subscription that follows it. */
export function declareCompletion(builder: Builder, prompts: PromptFields): void {
  declareCompletionType(builder);
  const CompleteInput = declareCompleteInput(builder);
  const CompleteResult = resultUnion(builder, 'CompleteResult', {
    types: ['Completion'],
    codes: completionCodes,
  });
  builder.mutationField('complete', (t) =>
    t.field({
      type: CompleteResult,
      authScopes: { user: true },
      complexity: generationCost,
      args: { input: t.arg({ type: CompleteInput, required: true }) },
      resolve: (_root, { input }, context) =>
        asResult(completionCodes, async () => {
          const request = toRequest(input, prompts);
          const handle = await context.services.runs.complete(request, callerOf(context));
          return runAsResult(completionCodes, await runResult(handle, context));
        }),
    }),
  );
  builder.subscriptionField('completion', (t) =>
    t.field({
      type: 'RunEvent',
      authScopes: { user: true },
      complexity: generationCost,
      args: { input: t.arg({ type: CompleteInput, required: true }) },
      subscribe: (_root, { input }, context) => {
        const request = toRequest(input, prompts);
        return followRun(() => context.services.runs.complete(request, callerOf(context)), context);
      },
      resolve: (event) => event,
    }),
  );
}
