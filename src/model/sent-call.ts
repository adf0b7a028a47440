import { createHash, type Hash } from 'node:crypto';
import type { AssistantMessage, Message, ModelCall } from '../kernel/model.ts';
import { outputJsonSchema } from './providers/output-schema.ts';

/** A call as one provider is sent it. */
export interface SentCall {
  call: ModelCall;
  /** The answer in the form in which it is kept: with what it was an answer to, where it can go back word for word. */
  kept(answer: AssistantMessage): AssistantMessage;
}

/**
 * Sends a turn back word for word where everything before it goes as it went when the turn was written: the same
 * provider and model, system prompt, tools and output format, and the same messages. Otherwise its text and tool calls
 * go, without thinking, signatures and citations, which hold only in their place.
 */
export function sentCall(call: ModelCall, provider: string): SentCall {
  const before = createHash('sha256').update(JSON.stringify(frameOf(call, provider)));
  const hasVerbatim = call.messages.some((message) => 'verbatim' in message);
  const messages = hasVerbatim ? replayed(call.messages, provider, before) : call.messages;
  return {
    call: { ...call, messages },
    kept(answer) {
      const { verbatim, ...plain } = answer;
      if (!verbatim || isPlain(answer)) return plain;
      if (!hasVerbatim) for (const message of messages) before.update(JSON.stringify(message));
      return { ...plain, verbatim: { ...verbatim, after: before.copy().digest('base64url') } };
    },
  };
}

function frameOf({ model, system, tools, outputSchema }: ModelCall, provider: string): unknown {
  const format = outputSchema ? outputJsonSchema(outputSchema) : null;
  return { provider, model, system: system ?? null, tools: tools ?? null, format };
}

/** Hashes what is sent, message by message, since what a turn is sent as depends on all before it. */
function replayed(messages: readonly Message[], provider: string, before: Hash): Message[] {
  return messages.map((message) => {
    const sent = message.role === 'assistant' ? turnAfter(message, provider, before) : message;
    before.update(JSON.stringify(sent));
    return sent;
  });
}

function turnAfter(turn: AssistantMessage, provider: string, before: Hash): AssistantMessage {
  const { verbatim, ...plain } = turn;
  if (!verbatim) return turn;
  const fits = verbatim.after === undefined || verbatim.after === before.copy().digest('base64url');
  return verbatim.provider === provider && fits ? turn : plain;
}

/** Whether the provider's own content says no more than the text. */
function isPlain({ content, verbatim }: AssistantMessage): boolean {
  const own: unknown[] = Array.isArray(verbatim?.content) ? verbatim.content : [];
  const [block, ...others] = own as Record<string, unknown>[];
  const [text, ...rest] = content;
  return (
    block?.['type'] === 'text' &&
    others.length === 0 &&
    text?.type === 'text' &&
    rest.length === 0 &&
    block['text'] === text.text &&
    Object.entries(block).every(([name, value]) => name in plainBlock || value == null)
  );
}

const plainBlock = { type: 'text', text: '' };
