import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { definePlugin, definePrompt } from '../../src/tessera.ts';
import { checkPlugin } from '../../src/testing.ts';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';

const invitation = definePrompt({
  name: 'invitation',
  description: 'Invites to something.',
  variables: z.object({
    when: z.date(),
    until: z.coerce.date().optional(),
    guests: z.array(z.object({ name: z.string(), since: z.date().optional() })).default([]),
    place: z
      .discriminatedUnion('kind', [
        z.object({ kind: z.literal('home'), room: z.string().optional() }),
        z.object({ kind: z.literal('away'), opens: z.date() }),
      ])
      .optional(),
  }),
  template: `{{ when | date: "%Y" }}{% if until %}-{{ until | date: "%Y" }}{% endif %}
{%- for guest in guests %} {{ guest.name }}{% if guest.since %} {{ guest.since | date: "%Y" }}{% endif %}{% endfor %}
{%- if place %} {{ place.kind }}{% if place.kind == "away" %} {{ place.opens | date: "%Y" }}{% endif %}
{%- if place.kind == "home" and place.room %} {{ place.room }}{% endif %}{% endif %}`,
});
const parties = definePlugin({
  name: 'parties',
  version: '1.0.0',
  setup: () => ({ prompts: [invitation] }),
});

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ plugins: [parties()] });
});
afterAll(() => server[Symbol.asyncDispose]());

const query = `query ($input: PromptInput!) {
  renderPrompt(input: $input) {
    ... on RenderedPrompt { text }
    ... on PromptVariablesInvalidError { issues { path message } }
  }
}`;

const render = async (variables: object) => {
  const input = { named: { name: 'invitation', variables } };
  return (await server.data<{ renderPrompt: object }>(query, { input })).renderPrompt;
};

test('dates may be given by name as the text that the variables’ schema tells of', async () => {
  const day = (year: number) => `${year}-03-01T12:00:00+02:00`;
  expect(
    await render({
      when: day(2001),
      until: day(2002),
      guests: [{ name: 'Ada', since: day(2003) }, { name: day(2004) }],
      place: { kind: 'away', opens: day(2005) },
    }),
  ).toEqual({ text: `2001-2002 Ada 2003 ${day(2004)} away 2005` });
  expect(await render({ when: 'tomorrow' })).toEqual({
    issues: [{ path: ['when'], message: expect.stringContaining('expected date') }],
  });
  expect(await checkPlugin(parties())).toEqual([]);
});

test('a misspelt property is told wherever it stands', async () => {
  const when = '2001-03-01T12:00:00Z';
  const place = { kind: 'home', rom: 'kitchen' };
  expect(await render({ when, wen: 1, guests: [{ name: 'Ada', sinse: when }], place })).toEqual({
    issues: [
      {
        path: ['wen'],
        message: 'the prompt declares no such variable (it declares: when, until, guests, place)',
      },
      {
        path: ['guests', '0', 'sinse'],
        message: 'there is no such property (there are: name, since)',
      },
      { path: ['place', 'rom'], message: 'there is no such property (there are: kind, room)' },
    ],
  });
});
