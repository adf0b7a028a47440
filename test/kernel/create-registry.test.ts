import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineAgent } from '../../src/kernel/agent.ts';
import type { Log } from '../../src/kernel/log.ts';
import { type ConfiguredPlugin, definePlugin, type PluginParts } from '../../src/kernel/plugin.ts';
import { definePrompt } from '../../src/kernel/prompt.ts';
import { createRegistry } from '../../src/kernel/registry/create-registry.ts';
import { StartupError } from '../../src/kernel/startup-error.ts';
import { defineTool } from '../../src/kernel/tool.ts';

const log: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => log,
};
const services = { log, knowledge: { search: async () => [] } };

const tool = (name: string, more: object = {}) =>
  defineTool({
    name,
    description: 'Does a thing.',
    input: z.object({ a: z.number() }),
    output: z.number(),
    run: ({ a }) => a,
    ...more,
  });
const prompt = (name: string, more: object = {}) =>
  definePrompt({
    name,
    description: 'Says a thing.',
    variables: z.object({ a: z.string() }),
    template: '{{ a }}',
    ...more,
  });
const agent = (name: string, more: object = {}) =>
  defineAgent({ name, description: 'Acts.', instructions: 'Act.', tools: [], ...more });
const plugin = (name: string, parts: PluginParts = {}): ConfiguredPlugin =>
  definePlugin({ name, version: '1.0.0', setup: () => parts })();

async function problemsOf(...plugins: unknown[]): Promise<readonly string[]> {
  const error = await createRegistry(plugins as ConfiguredPlugin[], services, []).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error === null) return [];
  expect(error).toBeInstanceOf(StartupError);
  return (error as StartupError).problems;
}

test.each<[string, unknown, string]>([
  [
    'one tool instead of a list',
    { tools: tool('t') },
    'tools must be a list, as in { tools: [one] }: put it in brackets',
  ],
  ['a function', { tools: () => [tool('t')] }, 'tools must be a list, as in { tools: [one] }'],
  ['a text', { agents: 'a' }, 'agents must be a list, as in { agents: [one] }'],
  ['null in a list', { tools: [null] }, 'tools[0] is no definition, but null'],
  ['a name', { prompts: ['sum'] }, 'prompts[0] is no definition, but the text "sum"'],
  ['a list', [tool('t')], 'setup must return an object, as in { tools: [tool] }'],
  ['hooks in a list', { hooks: [] }, 'hooks must be an object, as in { hooks: { onAlert: … } }'],
  [
    'a hook that is no function',
    { hooks: { onAlert: true } },
    'the hook onAlert must be a function',
  ],
  ['a close that is none', { close: 1 }, 'close must be a function'],
  [
    'a provider without methods',
    { providers: [{ name: 'p', stream() {}, estimateInputTokens() {} }] },
    'providers[0]: listModels must be a function',
  ],
])('a plugin that returns %s is named, with what it should be', async (_name, parts, problem) => {
  expect(await problemsOf(plugin('odd', parts as PluginParts))).toEqual([
    `plugin "odd": ${problem}`,
  ]);
});

test('collects what every plugin defines, in order', async () => {
  const closed: string[] = [];
  const registry = await createRegistry(
    [
      plugin('first', {
        tools: [tool('add')],
        hooks: { onAlert: () => {} },
        close: () => void closed.push('first'),
      }),
      plugin('second', {
        prompts: [prompt('say')],
        agents: [agent('actor', { tools: ['add'] })],
        hooks: {},
        close: () => {
          closed.push('second');
          throw new Error('does not stop the others');
        },
      }),
    ],
    services,
    [],
  );
  expect(registry.tools.get('add')).toMatchObject({ name: 'add', plugin: 'first' });
  expect(registry.prompts.get('say')).toMatchObject({ plugin: 'second' });
  expect(registry.agents.get('actor')).toMatchObject({ tools: ['add'] });
  expect(registry.hooks.map((entry) => entry.plugin)).toEqual(['first', 'second']);
  await Promise.all([registry.close(), registry.close()]);
  expect(closed).toEqual(['second', 'first']);
});

test('gives the setup its parsed options and its own log', async () => {
  const seen: unknown[] = [];
  const factory = definePlugin({
    name: 'weather',
    version: '1.0.0',
    options: z.object({ units: z.enum(['metric', 'imperial']).default('metric') }),
    setup: (options, given) => {
      seen.push(options, typeof given.log.child);
      return {};
    },
  });
  await createRegistry([factory()], services, []);
  expect(seen).toEqual([{ units: 'metric' }, 'function']);
});

test('reports every problem at once, each in a line that names the fix', async () => {
  expect(
    await problemsOf(
      plugin('a', {
        tools: [
          tool('Get_Weather'),
          tool('send', { retries: 2 }),
          tool('wait', { timeoutMs: 0, description: ' ' }),
        ],
        prompts: [prompt('complete'), prompt('named'), prompt('run_agent')],
        agents: [agent('worker', { tools: ['missing', 'send'], agents: ['nobody'] })],
      }),
      plugin('b', { tools: [tool('twin')], prompts: [prompt('ab_c'), prompt('a_bc')] }),
      plugin('c', { tools: [tool('twin')], prompts: [prompt('ab_c')] }),
    ),
  ).toMatchInlineSnapshot(`
    [
      "plugin "a", tool "Get_Weather": the name must be lower snake_case with at most 64 characters, like "get_weather"",
      "plugin "a", tool "send": only an idempotent tool may be retried: set idempotent: true if a second call has no second effect, else remove retries",
      "plugin "a", tool "wait": the description is missing: clients and models choose by it",
      "plugin "a", tool "wait": timeoutMs must be a whole number above 0",
      "plugin "a", prompt "complete": the name is reserved: the API has a field "complete" already; choose another",
      "plugin "a", prompt "named": the name is reserved: the API has a field "named" already; choose another",
      "plugin "a", prompt "run_agent": the name is reserved: the API has a field "runAgent" already; choose another",
      "plugin "c", tool "twin": plugin "b" has a tool of that name; rename one",
      "plugin "c", prompt "ab_c": plugin "b" has a prompt of that name; rename one",
      "plugin "a", agent "worker": there is no tool "missing" (there are: twin); list the plugin that brings it in tessera.config.ts or take it out",
      "plugin "a", agent "worker": there is no agent "nobody" (there are: worker)",
    ]
  `);
});

describe('refuses', () => {
  test('prompts that are one GraphQL field', async () => {
    expect(await problemsOf(plugin('a', { prompts: [prompt('step_1'), prompt('step1')] }))).toEqual(
      [
        'plugin "a", prompt "step1": prompt "step_1" of plugin "a" is the same GraphQL field "step1"; rename one',
      ],
    );
  });

  test('a tool and an agent of one name', async () => {
    const [problem] = await problemsOf(plugin('a', { tools: [tool('x')], agents: [agent('x')] }));
    expect(problem).toContain('agents may be called as tools; rename one');
  });

  test('agents that call each other in a circle, once', async () => {
    expect(
      await problemsOf(
        plugin('a', {
          agents: [
            agent('one', { agents: ['two'] }),
            agent('two', { agents: ['three'] }),
            agent('three', { agents: ['two'] }),
          ],
        }),
      ),
    ).toEqual([
      "agents call each other in a circle: two → three → two; take one of these out of the other's agents",
    ]);
  });

  test('a tool or agent listed twice by an agent', async () => {
    const parts = { tools: [tool('x')], agents: [agent('y', { tools: ['x', 'x'] })] };
    expect(await problemsOf(plugin('a', parts))).toEqual([
      'plugin "a", agent "y": "x" is listed twice; take one out',
    ]);
  });

  test('parts that are not of the kind, without a crash', async () => {
    const parts = {
      tools: [tool('x', { input: z.string(), output: 'number', run: null })],
      prompts: [prompt('p', { variables: {}, template: '', maxTokens: 1.5 })],
      agents: [agent('q', { tools: undefined, instructions: '', maxTurns: 0 })],
    };
    expect(await problemsOf(plugin('a', parts))).toHaveLength(9);
  });

  test('options that are not of the schema, with their path', async () => {
    const factory = definePlugin({
      name: 'mail',
      version: '1.0.0',
      options: z.object({ servers: z.array(z.object({ port: z.number() })) }),
      setup: () => ({}),
    });
    const wrong = factory({ servers: [{ port: '25' as unknown as number }] });
    expect(await problemsOf(wrong)).toEqual([
      'plugin "mail": option servers[0].port: Invalid input: expected number, received string',
    ]);
  });

  test('a list with what is no plugin, or one plugin twice', async () => {
    const factory = definePlugin({ name: 'w', version: '1.0.0', setup: () => ({}) });
    expect(await problemsOf(factory, {}, factory(), factory(), plugin('Bad Name'))).toEqual([
      'plugins[0] is not configured yet: call it, as in plugins: [weather()]',
      'plugins[1] is no plugin: list what a definePlugin(…) function returned',
      'plugins[3]: plugin "w" is listed already, as plugins[2]; take one out',
      'plugins[4]: the plugin name "Bad Name" must be lower kebab-case, like "knowledge-search"',
    ]);
  });

  test('a setup that throws, and closes the plugins before it', async () => {
    let closed = 0;
    const failing = definePlugin({
      name: 'failing',
      version: '1.0.0',
      setup: () => Promise.reject(new Error('no route to the mail server')),
    });
    const open = plugin('open', { close: () => void closed++ });
    expect(await problemsOf(open, failing())).toEqual([
      'plugin "failing": setup failed: no route to the mail server',
    ]);
    expect(closed).toBe(1);
  });

  test("what a room's own check finds", async () => {
    const created = createRegistry([plugin('a', { prompts: [prompt('p')] })], services, [
      (registry) => [...registry.prompts.keys()].map((name) => `prompt "${name}" is too long`),
    ]);
    await expect(created).rejects.toMatchObject({ problems: ['prompt "p" is too long'] });
  });
});
