import { z } from 'zod';
import { definePlugin } from '../../kernel/plugin.ts';
import { defineTool } from '../../kernel/tool.ts';
import { CalculationThread } from './calculation-thread.ts';

const calculate = (thread: CalculationThread) =>
  defineTool({
    name: 'calculate',
    description:
      'Calculates an expression in decimals: whole numbers exactly up to 400 digits, else to 20 digits. Use it for all arithmetic. Operators + - * / ^ % ! and comparisons; functions such as sqrt, round(x, digits), log(x, base), sin (radians), min, max, mean, combinations; constants pi and e. "20% * 50" is 10.',
    input: z.object({
      expression: z.string().min(1).max(500).describe('For example "(1200 * 1.19) / 12".'),
    }),
    output: z.object({ result: z.string().describe('A decimal number, or true or false.') }),
    idempotent: true,
    timeoutMs: 10_000,
    run: async ({ expression }, { signal }) => ({
      result: await thread.calculate(expression, signal),
    }),
  });

export const calculator = definePlugin({
  name: 'calculator',
  version: '1.0.0',
  description: 'Lets agents calculate.',
  setup: () => {
    const thread = new CalculationThread(1_000);
    return { tools: [calculate(thread)], close: () => thread.close() };
  },
});
