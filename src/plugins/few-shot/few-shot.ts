import { z } from 'zod';
import { definePlugin } from '../../kernel/plugin.ts';
import { definePrompt } from '../../kernel/prompt.ts';

const fewShotPrompt = definePrompt({
  name: 'few_shot',
  description: 'Does a task on an input, following examples.',
  variables: z.object({
    task: z.string().min(1).describe('The task to do on the input.'),
    examples: z
      .array(
        z
          .object({
            input: z.string().describe('An input.'),
            output: z.string().describe('The output for that input.'),
          })
          .describe('An input with its output.'),
      )
      .min(1)
      .max(50)
      .describe('Examples of inputs and outputs, in order.'),
    input: z.string().describe('The input to do the task on.'),
  }),
  system:
    'You do the task on the last input, exactly after the pattern of the examples: you write the output alone, in the form that theirs have.',
  template: `Task: {{ task }}
{% for example in examples %}
Input: {{ example.input }}
Output: {{ example.output }}
{% endfor %}
Input: {{ input }}
Output:`,
});

/** Few-shot prompting with examples that the caller brings. A prompt of one's own has them in its `examples`. */
export const fewShot = definePlugin({
  name: 'few-shot',
  version: '1.0.0',
  description: 'Does a task after the pattern of examples.',
  setup: () => ({ prompts: [fewShotPrompt] }),
});
