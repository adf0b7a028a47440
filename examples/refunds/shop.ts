import { defineAgent, definePlugin, defineTool, ToolError, z } from '../../src/tessera.ts';

const orders = {
  'A-17': { customer: 'Ada', item: 'Teapot', price: 24.5, refunded: false },
  'B-42': { customer: 'Bob', item: 'Kettle', price: 61, refunded: false },
};
const order = z.enum(['A-17', 'B-42']).describe('The number of the order.');

const lookUpOrder = defineTool({
  name: 'look_up_order',
  description: 'Tells who ordered what, and for how much.',
  input: z.object({ order }),
  output: z.object({ customer: z.string(), item: z.string(), price: z.number() }),
  idempotent: true,
  run: ({ order }) => orders[order],
});

const refundOrder = defineTool({
  name: 'refund_order',
  description: 'Gives the customer their money back.',
  input: z.object({ order }),
  output: z.object({ refunded: z.number() }),
  needsApproval: true,
  run: ({ order }) => {
    if (orders[order].refunded) throw new ToolError(`Order ${order} has been refunded before.`);
    orders[order].refunded = true;
    return { refunded: orders[order].price };
  },
});

/** A shop whose agent looks orders up by itself, and gives money back once a person has said yes. */
export const shop = definePlugin({
  name: 'shop',
  version: '1.0.0',
  setup: () => ({
    tools: [lookUpOrder, refundOrder],
    agents: [
      defineAgent({
        name: 'refund_desk',
        description: 'Handles refunds.',
        instructions:
          'You work at the refund desk of a shop. Look an order up before you refund it.',
        tools: ['look_up_order', 'refund_order'],
      }),
    ],
  }),
});
