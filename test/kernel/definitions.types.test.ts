import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { defineAgent } from '../../src/kernel/agent.ts';
import { definePlugin } from '../../src/kernel/plugin.ts';
import { definePrompt } from '../../src/kernel/prompt.ts';
import { defineTool } from '../../src/kernel/tool.ts';

test('types flow from the schemas to the handlers', () => {
  const tool = defineTool({
    name: 'add',
    description: 'Adds.',
    input: z.object({ a: z.number(), b: z.number().default(1) }),
    output: z.object({ sum: z.number() }),
    needsApproval: (input) => input.a > 3,
    run: (input) => {
      expectTypeOf(input).toEqualTypeOf<{ a: number; b: number }>();
      return { sum: input.a + input.b };
    },
  });
  const prompt = definePrompt({
    name: 'classify',
    description: 'Classifies.',
    variables: z.object({ text: z.string() }),
    output: z.object({ label: z.enum(['a', 'b']) }),
    template: '{{ text }}',
    examples: [{ variables: { text: 'x' }, answer: { label: 'a' } }],
  });
  const agent = defineAgent({ name: 'a', description: 'b', instructions: 'c', tools: ['add'] });
  const factory = definePlugin({
    name: 'p',
    version: '1.0.0',
    options: z.object({ units: z.enum(['metric', 'imperial']).default('metric') }),
    setup: (options) => {
      expectTypeOf(options.units).toEqualTypeOf<'metric' | 'imperial'>();
      return { tools: [tool], prompts: [prompt], agents: [agent] };
    },
  });
  expectTypeOf(factory)
    .parameter(0)
    .toEqualTypeOf<{ units?: 'metric' | 'imperial' | undefined } | undefined>();
  // @ts-expect-error units is one of two
  factory({ units: 'kelvin' });
  definePrompt({
    name: 'wrong',
    description: 'd',
    variables: z.object({ text: z.string() }),
    template: '{{ text }}',
    // @ts-expect-error an example's variables are the prompt's
    examples: [{ variables: { txt: 'x' }, answer: 'y' }],
  });
});
