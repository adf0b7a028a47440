import { expectTypeOf, test } from 'vitest';
import {
  type ConfiguredPlugin,
  calculator,
  defineAgent,
  defineConfig,
  definePlugin,
  definePrompt,
  defineTool,
  type ToolContext,
  z,
} from '../src/tessera.ts';

const tool = { name: 't', description: 'd', input: z.object({ a: z.int() }), output: z.string() };
const prompt = { name: 'p', description: 'd', variables: z.object({ a: z.int() }), template: '' };
const agent = { name: 'a', description: 'd', instructions: 'i', tools: [] };

test('defineTool', () => {
  defineTool({
    ...tool,
    input: z.object({ at: z.coerce.date(), list: z.array(z.string()).default([]) }),
    run: (input, context) => {
      expectTypeOf(input).toEqualTypeOf<{ at: Date; list: string[] }>();
      expectTypeOf(context).toEqualTypeOf<ToolContext>();
      return 'text';
    },
  });
  // A tool may return what its output schema takes, before defaults and transformations.
  defineTool({
    ...tool,
    output: z.object({ n: z.coerce.number(), more: z.boolean().default(false) }),
    run: async () => ({ n: '1' }),
  });
  // @ts-expect-error the output is text
  defineTool({ ...tool, run: () => 1 });
  // @ts-expect-error "b" is no input
  defineTool({ ...tool, run: ({ b }) => b });
  // @ts-expect-error an input is an object
  defineTool({ ...tool, input: z.string(), run: () => '' });
  // @ts-expect-error a tool runs
  defineTool(tool);
});

test('definePrompt', () => {
  const structured = definePrompt({
    ...prompt,
    output: z.object({ label: z.enum(['x', 'y']) }),
    examples: [{ variables: { a: 1 }, answer: { label: 'x' } }],
  });
  expectTypeOf<z.output<NonNullable<(typeof structured)['output']>>>().toEqualTypeOf<{
    label: 'x' | 'y';
  }>();
  definePrompt({ ...prompt, examples: [{ variables: { a: 1 }, answer: 'text' }] });
  definePrompt({
    ...prompt,
    output: z.object({ label: z.string() }),
    // @ts-expect-error an answer is of the output
    examples: [{ variables: { a: 1 }, answer: 'text' }],
  });
  // @ts-expect-error variables are an object
  definePrompt({ ...prompt, variables: z.string() });
});

test('defineAgent', () => {
  const typed = defineAgent({ ...agent, output: z.object({ city: z.string() }) });
  expectTypeOf<z.output<NonNullable<(typeof typed)['output']>>>().toEqualTypeOf<{ city: string }>();
  // @ts-expect-error tools are listed by name
  defineAgent({ ...agent, tools: [tool] });
});

test('definePlugin and defineConfig', () => {
  const base = { name: 'x', version: '1.0.0' };
  const demanding = definePlugin({
    ...base,
    options: z.object({ url: z.url(), retries: z.int().default(2) }),
    setup: (options) => {
      expectTypeOf(options).toEqualTypeOf<{ url: string; retries: number }>();
      return {};
    },
  });
  expectTypeOf(demanding).returns.toEqualTypeOf<ConfiguredPlugin>();
  // @ts-expect-error the url must be given
  demanding();
  // @ts-expect-error retries is a number
  demanding({ url: 'https://example.com', retries: 'many' });
  definePlugin({
    ...base,
    setup: (_options, { knowledge, log }) => {
      expectTypeOf(knowledge.search).returns.resolves.toBeArray();
      expectTypeOf(log.child).toBeFunction();
      return { hooks: { beforeModelCall: ({ model }) => void expectTypeOf(model).toBeString() } };
    },
  });
  // @ts-expect-error a hook of that name is never called
  definePlugin({ ...base, setup: () => ({ hooks: { onModelCall: () => undefined } }) });
  // @ts-expect-error a plugin is set up
  definePlugin(base);
  defineConfig({ plugins: [calculator()] });
  // @ts-expect-error a plugin is listed configured
  defineConfig({ plugins: [calculator] });
});
