import { z } from 'zod';
import {
  defineAgent,
  defineConfig,
  definePlugin,
  defineTool,
  summarization,
} from '../../../../src/tessera.ts';

const refunds = definePlugin({
  name: 'refunds',
  version: '1.0.0',
  options: z.object({}),
  setup: () => ({
    tools: [
      defineTool({
        name: 'refund',
        description: 'Pays money back.',
        input: z.object({ amount: z.number() }),
        output: z.object({ paid: z.number() }),
        needsApproval: true,
        run: async ({ amount }) => ({ paid: amount }),
      }),
    ],
    agents: [
      defineAgent({
        name: 'cashier',
        description: 'Refunds.',
        instructions: 'Refund what is asked.',
        tools: ['refund'],
      }),
    ],
  }),
});

export default defineConfig({ plugins: [summarization(), refunds({})] });
