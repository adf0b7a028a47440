import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineAgent, definePlugin, definePrompt, defineTool } from '../../src/tessera.ts';
import { checkPlugin } from '../../src/testing.ts';
import config from '../../tessera.config.ts';
import { startTestServer } from '../support/start-test-server.ts';

describe('the contract of plugins holds for the built-in', () => {
  test.for(config.plugins.map((plugin) => [plugin.name, plugin] as const))(
    '%s',
    async ([, plugin]) => {
      const beside = config.plugins.filter((other) => other !== plugin);
      expect(await checkPlugin(plugin, { beside })).toEqual([]);
    },
  );
});

describe('the contract of plugins finds', () => {
  const tool = {
    name: 'echo',
    description: 'Says it again.',
    input: z.object({ text: z.string().describe('What to say.') }),
    output: z.string(),
    run: ({ text }: { text: string }) => text,
  };

  test('what a server would not start with', async () => {
    const lost = definePlugin({
      name: 'lost',
      version: '1.0.0',
      setup: () => ({
        agents: [
          defineAgent({ name: 'lost', description: 'd', instructions: 'i', tools: ['nothing'] }),
        ],
        prompts: [
          definePrompt({
            name: 'typo',
            description: 'd',
            variables: z.object({ text: z.string() }),
            template: '{{ txt }}',
          }),
        ],
      }),
    });
    expect(await checkPlugin(lost())).toEqual([
      expect.stringContaining('there is no tool "nothing"'),
      expect.stringContaining('the prompt declares no variable "txt"'),
      expect.stringContaining('the variable "text" is declared but never used'),
    ]);
  });

  test('misspelt parts and hooks', async () => {
    const misspelt = definePlugin({
      name: 'misspelt',
      version: '1.0.0',
      setup: () => ({ tool: [], hooks: { beforeModelcall: () => undefined } }) as never,
    });
    expect(await checkPlugin(misspelt())).toEqual([
      'plugin "misspelt": there is no part "tool" (there are: tools, prompts, agents, hooks, embedders, rerankers, providers, graphql, close)',
      'plugin "misspelt": there is no hook "beforeModelcall" (there are: beforeModelCall, afterModelCall, afterToolCall, onRunEvent, onRunEnd, onAlert)',
    ]);
  });

  test('schemas that cannot be told', async () => {
    const untold = definePlugin({
      name: 'untold',
      version: '1.0.0',
      setup: () => ({
        tools: [
          defineTool({
            ...tool,
            input: z.object({ when: z.coerce.date(), limit: z.int().optional().describe('Most.') }),
            output: z.map(z.string(), z.string()),
            run: () => new Map(),
          }),
        ],
      }),
    });
    expect(await checkPlugin(untold())).toEqual([
      expect.stringContaining('tool "echo": the output cannot be said in JSON Schema: Map'),
      'tool "echo": input.when has no description: add .describe(\'…\') for the model',
    ]);
  });

  test('what no model and no client can be told of', async () => {
    const range = z.object({ from: z.coerce.date(), to: z.date() });
    const untold = definePlugin({
      name: 'untold',
      version: '1.0.0',
      setup: () => ({
        tools: [
          defineTool({
            ...tool,
            input: z.object({ ranges: z.array(range).describe('When.') }),
            run: () => '',
          }),
          defineTool({
            ...tool,
            name: 'count',
            input: z.object({ items: z.bigint() }),
            run: () => '',
          }),
        ],
      }),
    });
    const problems = [
      'plugin "untold", tool "echo": input.ranges.to: a model gives dates as text: use z.coerce.date()',
      expect.stringContaining('plugin "untold", tool "count": input.items: BigInt'),
    ];
    expect(await checkPlugin(untold())).toEqual(problems);
    await expect(startTestServer({ plugins: [untold()] })).rejects.toMatchObject({ problems });
  });

  test('what makes the GraphQL schema unsound', async () => {
    const hollow = definePlugin({
      name: 'hollow',
      version: '1.0.0',
      setup: () => ({
        graphql: (builder) => {
          const Hollow = builder.objectRef<object>('Hollow').implement({});
          builder.queryField('hollow', (t) =>
            t.field({ type: Hollow, authScopes: { user: true }, resolve: () => ({}) }),
          );
        },
      }),
    });
    expect(await checkPlugin(hollow())).toEqual([
      'plugin "hollow": the GraphQL schema is unsound: Type Hollow must define one or more fields.',
    ]);
  });

  test('a set-up that differs from the one before', async () => {
    let started = 0;
    const changing = definePlugin({
      name: 'changing',
      version: '1.0.0',
      setup: () => ({ tools: [defineTool({ ...tool, name: `echo_${++started}` })] }),
    });
    expect(await checkPlugin(changing())).toEqual([
      'a second set-up gives other tools, prompts or agents',
    ]);
  });
});
