import { z } from 'zod';
import { definePlugin } from '../../kernel/plugin.ts';
import { definePrompt } from '../../kernel/prompt.ts';

const chainOfThoughtPrompt = definePrompt({
  name: 'chain_of_thought',
  description:
    'Thinks a question through before it answers; the thinking streams as its own events.',
  variables: z.object({ question: z.string().min(1).describe('The question.') }),
  system:
    'You think a question through step by step, check the result, and then answer: the steps that matter in a few lines, and the answer in the last one.',
  template: 'Question: {{ question }}',
  maxTokens: 8_192,
  reasoning: true,
});

export const chainOfThought = definePlugin({
  name: 'chain-of-thought',
  version: '1.0.0',
  description: 'Thinks before it answers.',
  setup: () => ({ prompts: [chainOfThoughtPrompt] }),
});
