import type { Message } from '../../kernel/model.ts';
import type { Assignment, NamedPrompt, PromptVersionRecord } from '../../prompts/prompts.ts';

/** One message of a conversation, as text. */
export interface TextMessage {
  role: 'USER' | 'ASSISTANT';
  text: string;
}

/** The value of `PromptInput`. Exactly one property is set; a registered prompt's own field has the prompt's name. */
export interface PromptInputValue {
  text?: string | null;
  messages?: TextMessage[] | null;
  named?: NamedPrompt | null;
}

/** The value of `RenderedPrompt`. Version and assignment are null if no registered prompt is involved. */
export interface RenderedPromptView {
  text: string;
  system: string | null;
  version: PromptVersionRecord | null;
  assignment: Assignment | null;
  messages: readonly Message[];
  estimatedTokens: number;
}
