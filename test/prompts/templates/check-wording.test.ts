import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { definePlugin } from '../../../src/kernel/plugin.ts';
import { type AnyPrompt, definePrompt } from '../../../src/kernel/prompt.ts';
import { createRegistry } from '../../../src/kernel/registry/create-registry.ts';
import { checkPrompts } from '../../../src/prompts/check-prompts.ts';
import { checkWording } from '../../../src/prompts/templates/check-wording.ts';
import { testLog } from '../../support/test-log.ts';

const letter = definePrompt({
  name: 'letter',
  description: 'Writes a letter.',
  variables: z.object({
    three: z.array(z.object({ n: z.int() })).length(3),
    anything: z.any(),
    made: z.string().transform((text) => ({ n: text.length })),
    person: z.object({ name: z.string(), age: z.number().nullable() }),
    tone: z.enum(['formal', 'warm']).default('warm'),
    topics: z.array(z.object({ title: z.string() })),
    signature: z.string().optional(),
    extra: z.record(z.string(), z.string()),
    when: z.union([z.date(), z.object({ year: z.int() })]),
  }),
  template: '{{ person.name }}',
});

const issuesOf = (template: string, system?: string) =>
  checkWording(letter as AnyPrompt, { template, ...(system && { system }) }).issues;

describe('a wording', () => {
  test.for([
    ['{{ person.name }} {{ topics.first.title }} {{ topics.size }} {{ topics[0].title }}'],
    [
      '{% for topic in topics %}{{ topic.title }}{% unless forloop.last %}, {% endunless %}{% endfor %}',
    ],
    ['{% if signature %}{{ signature }}{% endif %}{{ signature | default: "me" }}'],
    ['{% if person.age %}{{ person.age | plus: 1 }}{% endif %}{{ tone | upcase }}'],
    ['{% for pair in extra %}{{ pair[0] }}={{ pair[1] }}{% endfor %}'],
    ['{% if when.year %}{{ when.year }}{% endif %}'],
    ['{% assign name = person.name %}{{ name }}'],
    ['{{ three[2].n }} {{ three.last.n }}'],
    ['{{ made.n }} {{ made.n | plus: 1 }} {{ anything.a.b }} {{ anything }}'],
    ['{% for each in anything %}{{ each | upcase }}{% endfor %}{% if made.n > 1 %}{% endif %}'],
  ])('may say %s', ([template]) => {
    expect(issuesOf(template as string)).toEqual([]);
  });

  test.for([
    [
      '{{ persn }}',
      ['persn'],
      'line 1: the prompt declares no variable "persn" (it declares: three, anything, made, person, tone',
    ],
    [
      'a\n{{ person.nme }}',
      ['person', 'nme'],
      'line 2: the prompt declares no variable "person.nme" (see the schema of "person")',
    ],
    ['{{ topics.first.name }}', ['topics', 'first', 'name'], 'no variable "topics.first.name"'],
    ['{{ person.name.first }}', ['person', 'name', 'first'], 'no variable "person.name.first"'],
    ['{{ other[person.name] }}', ['other'], 'no variable "other"'],
    ['{% for t in topics %}{{ t.name }}{% endfor %}', ['t', 'name'], '"t.name" is not there'],
    ['{{ t }}{% for t in topics %}{{ t.title }}{% endfor %}', ['t'], 'no variable "t"'],
    ['{{ signature }}', ['signature'], '"signature" is not there: guard it'],
    ['{{ person.age }}', ['person', 'age'], 'there is nothing to print'],
    ['{{ person }}', ['person'], 'an object cannot be printed'],
    [
      '{% if tone == "warm" %}{{ topics.first }}{% endif %}',
      ['topics', 'first'],
      'an object cannot be printed',
    ],
    ['{{ three[3].n }}', ['three', '3'], 'is not there'],
    ['{{ person.name', [], 'not closed'],
    ['  ', [], 'the template is empty'],
  ] as const)('may not say %s', ([template, path, message]) => {
    expect(issuesOf(template)).toEqual([
      { path: ['template', ...path], message: expect.stringContaining(message) },
    ]);
  });

  test('with thousands of mistakes is read until the fiftieth', { timeout: 5_000 }, () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `{{v${index}}}\n`);
    const issues = issuesOf(names.join(''));
    expect(issues).toHaveLength(50);
    expect(issues[49]).toMatchObject({
      path: ['template', 'v49'],
      message: expect.stringMatching(/^line 50: the prompt declares no variable "v49"/),
    });
  });

  test('is held to the contract in its system prompt too', () => {
    expect(issuesOf('x', 'You are {{ role }}.')).toEqual([
      { path: ['system', 'role'], message: expect.stringContaining('no variable "role"') },
    ]);
  });

  test('tells what it does not use', () => {
    const wording = { template: '{{ person.name }}{{ tone }}', system: '{{ extra | json }}' };
    expect(checkWording(letter as AnyPrompt, wording).unused).toEqual([
      'three',
      'anything',
      'made',
      'topics',
      'signature',
      'when',
    ]);
  });
});

test('a plugin whose wording does not fit its contract keeps the server from starting', async () => {
  const variables = z.object({ text: z.string() });
  const parts = {
    prompts: [
      definePrompt({
        name: 'broken',
        description: 'd',
        variables,
        template: '{% if text %}',
      }),
      definePrompt({
        name: 'unused',
        description: 'd',
        variables: variables.extend({ limit: z.int() }),
        template: '{{ text }}',
      }),
      definePrompt({
        name: 'examples',
        description: 'd',
        variables,
        output: z.object({ label: z.enum(['a', 'b']) }),
        template: '{{ text }}',
        examples: [
          { variables: { text: 'fits' }, answer: { label: 'a' } },

          { variables: { txt: 1 } as never, answer: { label: 'c' } as never },
        ],
      }),
    ],
  };
  const plugin = definePlugin({ name: 'p', version: '1.0.0', setup: () => parts });
  const services = { log: testLog, knowledge: { search: async () => [] } };
  await expect(createRegistry([plugin()], services, [checkPrompts])).rejects.toMatchObject({
    problems: [
      'plugin "p", prompt "broken": template: line 1: tag {% if text %} not closed',
      'plugin "p", prompt "unused": the variable "limit" is declared but never used: use it in the template or take it out of variables',
      'plugin "p", prompt "examples": examples.1.variables.txt: the prompt declares no such variable (it declares: text)',
      'plugin "p", prompt "examples": examples.1.variables.text: Invalid input: expected string, received undefined',
      'plugin "p", prompt "examples": examples.1.answer label: Invalid option: expected one of "a"|"b"',
    ],
  });
});
