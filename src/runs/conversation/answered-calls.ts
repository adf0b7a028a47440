import type { Message, UserBlock, UserMessage } from '../../kernel/model.ts';

const noResult = 'This call was not carried out.';

/**
 * The messages with a result for every tool call, at the start of the message after it, as providers demand: a call that
 * has none is answered with an error.
 */
export function answeredCalls(messages: readonly Message[]): Message[] {
  const answered: Message[] = [];
  let open: string[] = [];
  for (const message of messages) {
    if (open.length > 0) {
      const next = message.role === 'user' ? message : null;
      answered.push(withResults(open, next));
      if (next === null) answered.push(message);
    } else answered.push(message);
    open = message.role === 'assistant' ? callsOf(message) : [];
  }
  if (open.length > 0) answered.push(withResults(open, null));
  return answered;
}

const callsOf = ({ content }: Extract<Message, { role: 'assistant' }>): string[] =>
  content.flatMap((block) => (block.type === 'tool_call' ? block.id : []));

function withResults(calls: readonly string[], next: UserMessage | null): UserMessage {
  const content = next?.content ?? [];
  const given = content.filter((block) => block.type === 'tool_result');
  const missing = calls.filter((id) => !given.some(({ toolCallId }) => toolCallId === id));
  if (missing.length === 0 && next && content.indexOf(given.at(-1)!) === given.length - 1)
    return next;
  const others = content.filter((block) => block.type !== 'tool_result');
  return { role: 'user', content: [...given, ...missing.map(failed), ...others] };
}

const failed = (toolCallId: string): UserBlock => ({
  type: 'tool_result',
  toolCallId,
  content: [{ type: 'text', text: noResult }],
  isError: true,
});
