import type { Message } from '../../kernel/model.ts';
import type { PromptChoice } from '../runs.ts';

/** The messages of a prompt that its caller worded. */
export function chosenMessages(choice: Exclude<PromptChoice, { named: unknown }>): Message[] {
  if ('text' in choice) return [{ role: 'user', content: [{ type: 'text', text: choice.text }] }];
  return choice.messages.map(({ role, text }): Message => {
    const content: [{ type: 'text'; text: string }] = [{ type: 'text', text }];
    return role === 'USER' ? { role: 'user', content } : { role: 'assistant', content };
  });
}
