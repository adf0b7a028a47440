import type { NamedPrompt } from '../../prompts/prompts.ts';
import type { PromptChoice } from '../../runs/runs.ts';
import type { Builder } from '../builder.ts';
import { nameSchema } from '../name-schema.ts';
import type { PromptFields } from './prompt-fields.ts';
import type { PromptInputValue, TextMessage } from './prompt-values.ts';

const name = nameSchema(100);

const lastIsUsers = (messages: readonly TextMessage[]): boolean =>
  messages.length === 0 || messages.at(-1)?.role === 'USER';

const namesOneVersion = ({ version, label }: NamedPrompt): boolean =>
  version == null || label == null;

function declareMessageInput(builder: Builder) {
  return builder.inputType('MessageInput', {
    description: 'A message of a conversation.',
    fields: (t) => ({
      role: t.field({ type: 'MessageRole', required: true, description: 'Author of the message.' }),
      text: t.string({
        required: true,
        description: 'The message.',
        validate: { minLength: 1, maxLength: 1_000_000 },
      }),
    }),
  });
}

function declareNamedPromptInput(builder: Builder) {
  return builder.inputRef<NamedPrompt>('NamedPromptInput').implement({
    description:
      'A prompt by name, for names known only at run time. `version` and `label` exclude each other; with neither, the running experiment decides, else the label "production".',
    validate: [
      [
        namesOneVersion,
        { message: 'version and label exclude each other: give one of them', path: ['label'] },
      ],
    ],
    fields: (t) => ({
      name: t.string({
        required: true,
        description: 'Name of the prompt.',
        validate: { schema: name },
      }),
      version: t.int({ description: 'Number of a version.', validate: { min: 1 } }),
      label: t.string({ description: 'Label of a version.', validate: { schema: name } }),
      variables: t.field({ type: 'JSON', description: 'Variables as the prompt declares them.' }),
    }),
  });
}

/** Input of a model call: free text, a conversation, or a registered prompt by name or by its own field. */
export function declarePromptInput(builder: Builder, prompts: PromptFields): void {
  const message = declareMessageInput(builder);
  const named = declareNamedPromptInput(builder);
  builder.inputType('PromptInput', {
    isOneOf: true,
    description:
      'Exactly one. Every registered prompt adds a field of its own, named after it, whose input type is its variables schema: prompt: { summarization: { text: "…", maxSentences: 2 } }.',
    fields: (t) => ({
      text: t.string({
        description: 'Free text, sent as one message.',
        validate: { minLength: 1, maxLength: 1_000_000 },
      }),
      messages: t.field({
        type: [message],
        description: 'A conversation, which ends with a message of the role USER.',
        validate: {
          minLength: 1,
          maxLength: 1_000,
          refine: [lastIsUsers, { message: 'the last message must be of the role USER' }],
        },
      }),
      named: t.field({ type: named, description: 'A registered prompt by name.' }),
      ...prompts.inputFields(t),
    }),
  });
}

/** The choice a `PromptInput` makes, with a registered prompt's variables as its zod schema takes them. */
export function toPromptChoice(input: PromptInputValue, prompts: PromptFields): PromptChoice {
  const { text, messages, named, ...own } = input;
  if (text != null) return { text };
  if (messages) return { messages };
  if (named) return { named: named };
  return { named: prompts.namedPrompt(own) };
}
