import { describe, expect, test } from 'vitest';
import { parseTemplate, TemplateProblem } from '../../../src/prompts/templates/parse-template.ts';
import { allowanceFor } from '../../../src/prompts/templates/render-meter.ts';

const render = (template: string, variables: Record<string, unknown> = {}): string =>
  parseTemplate(template).render(variables);

function problem(template: string, variables: Record<string, unknown> = {}): TemplateProblem {
  try {
    render(template, variables);
  } catch (error) {
    expect(error).toBeInstanceOf(TemplateProblem);
    return error as TemplateProblem;
  }
  throw new Error(`rendered: ${template}`);
}

describe('renders', () => {
  test('loops, conditions, filters and assignments', () => {
    const template = `{%- assign shout = name | upcase -%}
Hello {{ shout }}{% if mood == 'bad' %}, cheer up{% endif %}!
{%- for item in items %}
{{ forloop.index }}. {{ item.text | strip }}
{%- else %} nothing {% endfor %}
{%- case count %}{% when 1 %} one{% when 2 %} two{% endcase %}
{%- capture note %}{{ items.size }} items{% endcapture %} ({{ note }})`;
    const items = [{ text: ' a ' }, { text: 'b' }];
    expect(render(template, { name: 'ada', mood: 'bad', items, count: 2 })).toBe(
      'Hello ADA, cheer up!\n1. a\n2. b two (2 items)',
    );
  });

  test('variables as data, never as template code', () => {
    const text = '{{ secret }}{% for i in (1..3) %}x{% endfor %}';
    expect(render('{{ text }}', { text, secret: 's' })).toBe(text);
    expect(problem('{{ list | where: rule }}', { list: [{ a: 1 }], rule: '(1..9)' }).message).toBe(
      'line 1: where takes the name of a property, not "(1..9)"',
    );
    expect(problem('{{ list | where_exp: "x", rule }}', { list: [] }).message).toContain(
      'undefined filter: where_exp',
    );
  });

  test('dates and decimals the same everywhere', () => {
    const when = new Date('2026-01-02T23:30:00Z');
    expect(
      render('{{ when }} {{ when | date: "%A %e %B %H:%M" }} {{ half }}', { when, half: 0.5 }),
    ).toBe('2026-01-02T23:30:00.000Z Friday  2 January 23:30 0.5');
  });

  test('optional variables that are guarded', () => {
    const template =
      '{% if tone %}{{ tone }}{% else %}plain{% endif %} {{ tone | default: "plain" }}';
    expect(render(template)).toBe('plain plain');
  });
});

describe('says what is wrong', () => {
  test.for([
    ['a\n{{ user.nme }}', ['user', 'nme'], 'line 2: "user.nme" is not there'],
    ['{{ nothing }}', ['nothing'], 'line 1: there is nothing to print'],
    ['{{ nothing | upcase }}', ['nothing'], 'line 1: there is nothing to apply upcase to'],
    ['{{ user }}', ['user'], 'line 1: an object cannot be printed'],
    ['{{ list }}', ['list'], 'line 1: an object cannot be printed'],
    ['{% for x in gone %}{% endfor %}', ['gone'], 'line 1: "gone" is not there'],
    ['{{ user.constructor }}', ['user', 'constructor'], '"user.constructor" is not there'],
    ['{% if text %}', [], 'line 1: tag {% if text %} not closed'],
    ['{{ text | shout }}', ['text'], 'undefined filter: shout'],
    ['{% include "x" %}', [], 'tag "include" not found'],
    ['{% render "x" %}', [], 'tag "render" not found'],
    ['{% layout "x" %}', [], 'tag "layout" not found'],
    ['{% increment text %}', [], 'tag "increment" not found'],
    ['x'.repeat(100_001), [], 'longer than 100000 characters'],
  ] as const)('%s', ([template, variable, message]) => {
    const found = problem(template, { user: { name: 'a' }, nothing: null, list: [{}], text: 't' });
    expect(found.message).toContain(message);
    expect(found.variable).toEqual(variable);
  });
});

describe('ends a hostile template', () => {
  const nested =
    '{% assign a = "x" | split: "," %}{% for i in (1..60) %}{% assign a = "x" | split: "," | push: a | push: a %}{% endfor %}';
  const big = 'x'.repeat(200_000);
  const list = Array.from({ length: 20_000 }, (_, index) => index);
  const endlessly = '{% for i in (1..90000) %}';

  test.for([
    ['empty loop over a huge range', '{% for i in (1..100000000) %}{% endfor %}'],
    ['negative range', '{% assign n = 0 | minus: 900000000 %}{% for i in (n..1) %}{% endfor %}'],
    ['range of text', '{% for i in ("1".."100000000") %}{% endfor %}'],
    [
      'nested loops over a list',
      '{% for i in list %}{% for j in list %}{% for k in list %}{% endfor %}{% endfor %}{% endfor %}',
    ],
    [
      'empty passes over a list',
      `${endlessly}{% for j in list limit: 0 %}{% endfor %}{% endfor %}`,
    ],
    [
      'text that doubles in a capture',
      '{% assign a = "xx" %}{% for i in (1..60) %}{% capture a %}{{ a }}{{ a }}{% endcapture %}{% endfor %}',
    ],
    [
      'text that doubles in an assignment',
      '{% assign a = "xx" %}{% for i in (1..60) %}{% assign a = a | append: a %}{% endfor %}',
    ],
    ['text printed over and over', `${endlessly}{{ big }}{% endfor %}`],
    ['comparison over and over', `${endlessly}{% if big contains "y" %}{% endif %}{% endfor %}`],
    [
      'case over and over',
      `{% capture a %}{{ big }}1{% endcapture %}{% capture b %}{{ big }}2{% endcapture %}${endlessly}{% case a %}{% when b %}{% endcase %}{% endfor %}`,
    ],
    ['sorting over and over', `${endlessly}{% assign b = list | sort %}{% endfor %}`],
    ['replacement that multiplies', '{{ big | replace: "x", big }}'],
    ['padding of a date', '{{ "now" | date: "%999999999d" }}'],
    ['list in lists, printed', `${nested}{{ a }}`],
    ['list in lists, joined', `${nested}{{ a | join }}`],
    ['list in lists, compared', `${nested}{% assign b = a %}{% if a == b %}{% endif %}`],
    ['list in lists, as a number', `${nested}{{ "abc" | slice: a }}`],
    ['list in lists, as a key', `${nested}{{ list[a] }}`],
    ['nesting too deep for the stack', `${'{% if 1 %}'.repeat(5000)}${'{% endif %}'.repeat(5000)}`],
    ['nesting deeper than allowed', `${'{% if 1 %}'.repeat(60)}${'{% endif %}'.repeat(60)}`],
    ['path too deep', `{{ ${'a['.repeat(20_000)}1${']'.repeat(20_000)} }}`],
  ] as const)('%s', { timeout: 5_000 }, ([, template]) => {
    const before = process.memoryUsage().heapUsed;
    expect(problem(template, { big, list }).message).toMatch(
      /too (many|much|long|deeply)|longer than/,
    );
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200e6);
  });

  test.for([
    [
      'long conditions',
      `${endlessly}{% if big ${'and big '.repeat(9_000)}%}{% endif %}{% endfor %}`,
    ],
    ['negation', `${endlessly}{% if ${'not '.repeat(15_000)}big %}{% endif %}{% endfor %}`],
    [
      'many branches',
      `${endlessly}{% if no %}${'{% elsif no %}'.repeat(6_000)}{% endif %}{% endfor %}`,
    ],
    [
      'many cases',
      `${endlessly}{% case 1 %}${'{% when no %}'.repeat(6_000)}{% endcase %}{% endfor %}`,
    ],
    [
      'many values of a case',
      `${endlessly}{% case 1 %}{% when ${'no, '.repeat(20_000)}no %}{% endcase %}{% endfor %}`,
    ],
    ['many arguments', `${endlessly}{{ 1 | plus: ${'1,'.repeat(10_000)}1 }}{% endfor %}`],
    ['many filters', `${endlessly}{% assign a = 1 ${'| plus: 1 '.repeat(8_000)}%}{% endfor %}`],
    ['a long path', `${endlessly}{% if list${'.first'.repeat(15_000)} %}{% endif %}{% endfor %}`],
  ] as const)('%s, by the count of its steps', { timeout: 5_000 }, ([, template]) => {
    const parsed = parseTemplate(template);
    const allowance = { ...allowanceFor(0), milliseconds: Number.POSITIVE_INFINITY };
    const variables = { big, list: [list], no: false };
    expect(() => parsed.render(variables, allowance)).toThrow(/too many steps/);
  });

  test('and parses a long one in linear time', { timeout: 5_000 }, () => {
    const { uses } = parseTemplate('{{ a }}'.repeat(14_000));
    expect(uses).toHaveLength(14_000);
  });

  test('but renders a long context', () => {
    const context = 'words and words '.repeat(60_000);
    expect(
      render('{{ context | strip }}\n{{ question }}', { context, question: 'q' }),
    ).toHaveLength(context.length + 1);
  });
});
