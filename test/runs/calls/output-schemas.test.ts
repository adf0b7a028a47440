import { expect, test } from 'vitest';
import { defineAgent, definePlugin, definePrompt, z } from '../../../src/tessera.ts';
import { checkPlugin } from '../../../src/testing.ts';
import { startTestServer } from '../../support/start-test-server.ts';

const pluginOf = (output: z.ZodObject, agentOutput: z.ZodType = z.object({ ok: z.boolean() })) =>
  definePlugin({
    name: 'diary',
    version: '1.0.0',
    description: 'Keeps dates.',
    setup: () => ({
      prompts: [
        definePrompt({
          name: 'find_date',
          description: 'Finds a date.',
          variables: z.object({ text: z.string() }),
          output,
          template: '{{ text }}',
        }),
      ],
      agents: [
        defineAgent({
          name: 'planner',
          description: 'Plans.',
          instructions: 'Plan.',
          tools: [],
          output: agentOutput,
        }),
      ],
    }),
  })();

test('a date is asked for as text, parsed, and comes out as a DateTime, from the cache too', async () => {
  const plugin = pluginOf(z.object({ at: z.coerce.date(), until: z.coerce.date().optional() }));
  expect(await checkPlugin(plugin)).toEqual([]);
  await using server = await startTestServer({ plugins: [plugin] });
  const FIND = `mutation ($cache: CacheMode) { findDate(variables: { text: "when?" }, options: { cache: $cache }) {
    ... on FindDateCompletion { id cached output { at until } } ... on Error { code message } } }`;
  const find = async (cache: string) =>
    (await server.data<{ findDate: { id: string } }>(FIND, { cache })).findDate;
  server.demo.script({ kind: 'reply', text: '{"at":"2026-01-31T12:00:00Z"}', times: 2 });
  const output = { at: '2026-01-31T12:00:00.000Z', until: null };
  expect(await find('BYPASS')).toMatchObject({ cached: false, output });
  expect(await find('DEFAULT')).toMatchObject({ cached: false, output });
  const { id, ...hit } = await find('DEFAULT');
  expect(hit).toEqual({ cached: true, output });
  const RUN = 'query ($id: ID!) { run(id: $id) { ... on FindDateCompletion { output { at } } } }';
  expect(await server.data(RUN, { id })).toEqual({ run: { output: { at: output.at } } });
  const sent = server.demo.requests.at(-1)?.body as { output_config?: object };
  expect(sent.output_config).toMatchObject({
    format: { schema: { properties: { at: { type: 'string', format: 'date-time' } } } },
  });
});

test.each([
  [
    'a date that takes no text',
    z.date(),
    'output.at: a model answers with text: use z.coerce.date()',
  ],
  ['a record', z.record(z.string(), z.int()), 'output.at: a record, whose fields are not known'],
  ['anything', z.any(), 'output.at: it may be anything: say what it is'],
  ['a list of anything', z.array(z.unknown()), 'output.at: it may be anything: say what it is'],
])('%s keeps the server from starting, told with its place', async (_what, schema, why) => {
  const odd = z.object({ at: schema });
  const found = await checkPlugin(pluginOf(odd, odd));
  for (const whose of ['prompt "find_date"', 'agent "planner"']) {
    const line = found.find((problem) => problem.includes(whose));
    expect(line).toContain(`plugin "diary", ${whose}: A model can't be asked for this output`);
    expect(line).toContain(why);
  }
  await expect(startTestServer({ plugins: [pluginOf(odd)] })).rejects.toThrow(why);
});
