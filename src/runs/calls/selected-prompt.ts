import type { z } from 'zod';
import type { Message } from '../../kernel/model.ts';
import type { OutputSelection } from '../../kernel/output-selection.ts';
import { outputJsonSchema } from '../../model/providers/output-schema.ts';
import { maxTokensOf } from '../output/output-bound.ts';
import { selectOutput, withRequired } from '../output/select-output.ts';
import type { CompletionRequest } from '../runs.ts';
import type { PreparedPrompt } from './prepared-prompt.ts';

/** Answers that are no longer than this are not bounded further. */
const minMaxTokens = 64;

/**
 * The prompt with only that part of its output that the caller reads, and with the examples cut to it. Where all of that
 * part has a bound, so has the answer: then less is held for it.
 */
export function selectedPrompt(
  prompt: PreparedPrompt,
  { outputSelection, options }: Pick<CompletionRequest, 'outputSelection' | 'options'>,
): PreparedPrompt {
  const { outputSchema, requires } = prompt;
  if (outputSelection == null) return prompt;
  if (!outputSchema) return { ...prompt, outputSelection: true };
  const selection = effective(outputSelection, options?.outputFields ?? prompt.outputFields);
  if (selection === true) return { ...prompt, outputSelection: true };
  const selected = selectOutput(outputSchema, selection, requires);
  const bound = maxTokensOf(outputJsonSchema(selected));
  return {
    ...prompt,
    outputSchema: selected,
    outputSelection: withRequired(selection, requires),
    messages: prompt.messages.map((message) => cut(message, selected)),
    maxTokens: bound === null ? prompt.maxTokens : Math.max(minMaxTokens, bound),
  };
}

const effective = (
  selection: OutputSelection,
  fields: 'SELECTED' | 'WHOLE' | null,
): OutputSelection => (fields === 'WHOLE' ? true : selection);

/** An example's answer, as it would be if only the selected part had been asked for. */
function cut(message: Message, schema: z.ZodType): Message {
  const [block] = message.content;
  if (message.role !== 'assistant' || block?.type !== 'text') return message;
  try {
    const parsed = schema.safeParse(JSON.parse(block.text));
    if (!parsed.success) return message;
    return { ...message, content: [{ ...block, text: JSON.stringify(parsed.data) }] };
  } catch {
    return message;
  }
}
