import { assertAllows } from '../../kernel/access/scopes.ts';
import type { Message } from '../../kernel/model.ts';
import type { PromptChoice } from '../../runs/runs.ts';
import type { Builder } from '../builder.ts';
import type { GraphQLContext } from '../context.ts';
import { callerOf } from '../limits/access.ts';
import { renderingCost } from '../limits/operation-limits.ts';
import { nameSchema } from '../name-schema.ts';
import { asResult } from '../results/as-result.ts';
import { resultUnion } from '../results/result-union.ts';
import type { Services } from '../services.ts';
import type { PromptFields } from './prompt-fields.ts';
import { toPromptChoice } from './prompt-input.ts';
import type { RenderedPromptView, TextMessage } from './prompt-values.ts';

const codes = ['PROMPT_NOT_FOUND', 'PROMPT_VARIABLES_INVALID'] as const;

const textOf = ({ content }: Message): string =>
  content.map((block) => (block.type === 'text' ? block.text : '')).join('');

const toMessage = ({ role, text }: TextMessage): Message => ({
  role: role === 'USER' ? 'user' : 'assistant',
  content: [{ type: 'text', text }],
});

/** Text and conversations are sent as they are, to the default model. */
function renderFree(messages: readonly TextMessage[], { models }: Services): RenderedPromptView {
  const call = { messages: messages.map(toMessage), maxTokens: 1 };
  return {
    text: messages.at(-1)?.text ?? '',
    system: null,
    version: null,
    assignment: null,
    messages: call.messages,
    estimatedTokens: models.estimateInputTokens(call, [models.resolve(null)]),
  };
}

async function render(
  choice: PromptChoice,
  subject: string,
  { services, caller }: GraphQLContext,
): Promise<RenderedPromptView> {
  if ('named' in choice) {
    assertAllows(caller?.scopes, 'prompts', choice.named.name);
    return services.prompts.render(choice.named, subject);
  }
  if ('messages' in choice) return renderFree(choice.messages, services);
  return renderFree([{ role: 'USER', text: choice.text }], services);
}

function declareRenderedPrompt(builder: Builder): void {
  builder.objectType('RenderedPrompt', {
    description: 'A prompt as it would be sent.',
    fields: (t) => ({
      text: t.exposeString('text', { description: 'The last message.' }),
      system: t.exposeString('system', {
        nullable: true,
        description: 'System prompt; null without one.',
      }),
      version: t.expose('version', {
        type: 'PromptVersion',
        nullable: true,
        description: 'The version of the registered prompt; null for other prompts.',
      }),
      assignment: t.expose('assignment', {
        type: 'ExperimentAssignment',
        nullable: true,
        description: 'The variant of the running experiment; null if none decides.',
      }),
      messages: t.field({
        type: ['RenderedMessage'],
        description:
          'The whole conversation: few-shot examples as earlier turns, then the last message.',
        resolve: ({ messages }) =>
          messages.map((message) => ({
            role: message.role === 'user' ? ('USER' as const) : ('ASSISTANT' as const),
            text: textOf(message),
          })),
      }),
      estimatedTokens: t.exposeInt('estimatedTokens', { description: 'Estimated input tokens.' }),
    }),
  });
  builder.objectType('RenderedMessage', {
    description: 'A message of a rendered prompt.',
    fields: (t) => ({
      role: t.expose('role', { type: 'MessageRole', description: 'Author of the message.' }),
      text: t.exposeString('text', { description: 'The message.' }),
    }),
  });
}

/** `RenderedPrompt`, and the query that renders without calling a model. */
export function declareRenderPrompt(builder: Builder, prompts: PromptFields): void {
  declareRenderedPrompt(builder);
  const RenderPromptResult = resultUnion(builder, 'RenderPromptResult', {
    types: ['RenderedPrompt'],
    codes,
  });
  builder.queryField('renderPrompt', (t) =>
    t.field({
      type: RenderPromptResult,
      description:
        'Renders a prompt with the version and variant that a call would use, without calling a model.',
      authScopes: { user: true, editor: true },
      complexity: renderingCost,
      args: {
        input: t.arg({ type: 'PromptInput', required: true }),
        subject: t.arg.string({
          description: "The subject that an experiment assigns by. Default: the caller's user id.",
          validate: { schema: nameSchema() },
        }),
      },
      resolve: (_root, { input, subject }, context) =>
        asResult(codes, () =>
          render(toPromptChoice(input, prompts), subject ?? callerOf(context).userId, context),
        ),
    }),
  );
}
