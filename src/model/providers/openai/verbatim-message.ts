import { type Json, recordOf } from '../json-fields.ts';
import type { FinishedCall } from './openai-tool-calls.ts';

interface Said {
  text: string;
  calls: readonly FinishedCall[];
  extras: Json;
}

/** The message as it is sent back. Text that is no input would make servers refuse the conversation. */
export function verbatimMessage({ text, calls, extras }: Said): Json {
  const toolCalls = calls.map(({ id, name, input, extra }) => ({
    id,
    type: 'function',
    function: { name, arguments: JSON.stringify(recordOf(input) ?? {}) },
    extra_content: extra,
  }));
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    ...extras,
    tool_calls: calls.length > 0 ? toolCalls : undefined,
  };
}
