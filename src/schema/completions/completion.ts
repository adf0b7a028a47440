import type { CompletionRequest } from '../../runs/runs.ts';
import type { Builder } from '../builder.ts';
import { ofContent } from '../limits/access.ts';
import { nameSchema } from '../name-schema.ts';
import { resultUnion } from '../results/result-union.ts';
import { completionCodes } from '../runs/completion-codes.ts';
import { runInterfaces } from '../runs/run-interfaces.ts';
import { declareRunOperation } from '../runs/run-operation.ts';
import { completionFields } from './completion-fields.ts';
import type { PromptFields } from './prompt-fields.ts';
import { toPromptChoice } from './prompt-input.ts';
import type { PromptInputValue } from './prompt-values.ts';

function declareCompletionType(builder: Builder): void {
  builder.objectType('Completion', {
    interfaces: runInterfaces(builder),
    description: 'A run that sends one prompt to a model.',
    fields: (t) => ({
      ...completionFields(t),
      output: t.expose('output', {
        type: 'JSON',
        nullable: true,
        authScopes: ofContent,
        description:
          "Set when the prompt declares an output schema; typed per prompt on the prompt's own field.",
      }),
    }),
  });
}

function declareCompleteInput(builder: Builder) {
  return builder.inputType('CompleteInput', {
    description: 'A completion to begin.',
    fields: (t) => ({
      prompt: t.field({
        type: 'PromptInput',
        required: true,
        description: 'Text, messages or a registered prompt.',
      }),
      system: t.string({
        description: 'System prompt. Replaces that of a registered prompt.',
        validate: { maxLength: 1_000_000 },
      }),
      model: t.string({
        description: "Defaults to the prompt version's model, then to the server's.",
        validate: { schema: nameSchema() },
      }),
      maxTokens: t.int({
        description: "Maximum output tokens. Default: the prompt version's, then the server's.",
        validate: { min: 1, max: 1_000_000 },
      }),
      options: t.field({ type: 'RunOptions', description: 'Options of the run.' }),
    }),
  });
}

interface CompleteInputValue extends Omit<CompletionRequest, 'prompt'> {
  prompt: PromptInputValue;
}

const toRequest = (input: CompleteInputValue, prompts: PromptFields): CompletionRequest => ({
  ...input,
  prompt: toPromptChoice(input.prompt, prompts),
});

/** `Completion`, and the operation that begins one. */
export function declareCompletion(builder: Builder, prompts: PromptFields): void {
  declareCompletionType(builder);
  const CompleteInput = declareCompleteInput(builder);
  const result = resultUnion(builder, 'CompleteResult', {
    types: ['Completion'],
    codes: completionCodes,
  });
  declareRunOperation(builder, {
    mutation: {
      name: 'complete',
      description: 'Sends a prompt to a model and returns the finished completion.',
    },
    subscription: {
      name: 'completion',
      description: 'Sends a prompt to a model and streams the events of the run.',
    },
    result,
    codes: completionCodes,
    args: (arg) => ({ input: arg({ type: CompleteInput, required: true }) }),
    completion: ({ input }) => toRequest(input, prompts),
    start: ({ input }, runs, { caller }) => runs.complete(toRequest(input, prompts), caller),
  });
}
