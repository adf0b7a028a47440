import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Database } from '../../src/data/database.ts';
import { isDomainError } from '../../src/kernel/errors.ts';
import { type AnyPrompt, definePrompt } from '../../src/kernel/prompt.ts';
import { createPrompts } from '../../src/prompts/create-prompts.ts';
import type { Prompts } from '../../src/prompts/prompts.ts';
import { openTestDatabase } from '../support/test-database.ts';
import { testLog } from '../support/test-log.ts';
import { registryOf } from './support/registry-of.ts';

let database: Database & AsyncDisposable;
let queries = 0;

beforeAll(async () => {
  database = await openTestDatabase();
  const { query } = database;
  database.query = (text, values) => {
    queries += 1;
    return query.call(database, text, values) as never;
  };
});
afterAll(() => database.close());

const greeting = (template = 'Hello {{ name }}!', more: Partial<AnyPrompt> = {}): AnyPrompt =>
  ({
    ...definePrompt({
      name: 'greeting',
      description: 'Greets a person.',
      variables: z.object({ name: z.string().max(20), title: z.string().optional() }),
      template: `${template}{% if title %} ({{ title }}){% endif %}`,
    }),
    ...more,
  }) as AnyPrompt;

async function server(...prompts: AnyPrompt[]): Promise<Prompts> {
  const created = createPrompts({ database, registry: await registryOf(...prompts), log: testLog });
  await created.synchronize();
  return created;
}

/** The error a call is refused with, as data. */
async function refusal(call: Promise<unknown>): Promise<unknown> {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!isDomainError(error)) throw error ?? new Error('was not refused');
  return { code: error.code, message: error.message, ...error.details };
}

const textOf = async (prompts: Prompts, prompt = {}): Promise<string> =>
  (await prompts.render({ name: 'greeting', variables: { name: 'Ada' }, ...prompt }, 'me')).text;

const fresh = (name: string, template?: string): AnyPrompt => greeting(template, { name });

describe('synchronize', () => {
  test('stores the wording of the plugins once, also when servers start together', async () => {
    const prompt = fresh('sync_once');
    const [one] = await Promise.all([server(prompt), server(prompt), server(prompt)]);
    const record = await one.get('sync_once');
    const page = await one.versions(record?.id ?? '', {});
    expect(page.edges.map(({ node }) => [node.number, node.createdBy, node.template])).toEqual([
      [1, 'plugin:letters', prompt.template],
    ]);
    expect(record?.definition?.plugin).toBe('letters');
    expect(await one.labels([record?.id ?? ''])).toMatchObject([[{ name: 'production' }]]);
  });

  test('stores a changed wording and puts it into force', async () => {
    await server(fresh('sync_change', 'Hello {{ name }}.'));
    const next = await server(fresh('sync_change', 'Dear {{ name }},'));
    expect(await textOf(next, { name: 'sync_change' })).toBe('Dear Ada,');
  });

  test("leaves an admin's version in force", async () => {
    const before = await server(fresh('sync_admin', 'Hello {{ name }}.'));
    const labels = ['production'];
    await before.createVersion({ prompt: 'sync_admin', template: 'Hi {{ name }}', labels }, 'ann');
    const next = await server(fresh('sync_admin', 'Dear {{ name }},'));
    expect(await textOf(next, { name: 'sync_admin' })).toBe('Hi Ada');
    expect(await textOf(next, { name: 'sync_admin', version: 3 })).toBe('Dear Ada,');
  });

  test("leaves an admin's rollback to an older wording of the plugin in force", async () => {
    await server(fresh('sync_rollback', 'Hello {{ name }}.'));
    const changed = fresh('sync_rollback', 'Dear {{ name }},');
    const next = await server(changed);
    await next.setLabel({ prompt: 'sync_rollback', label: 'production', version: 1 }, 'ann');
    const restarted = await server(changed);
    expect(await textOf(restarted, { name: 'sync_rollback' })).toBe('Hello Ada.');
  });

  test('goes back to a wording stored before when the plugin does', async () => {
    const old = fresh('sync_back', 'Hello {{ name }}.');
    await server(old);
    await server(fresh('sync_back', 'Dear {{ name }},'));
    const back = await server(old);
    expect(await textOf(back, { name: 'sync_back' })).toBe('Hello Ada.');
    const { id } = (await back.get('sync_back')) as { id: string };
    expect((await back.versions(id, {})).edges).toHaveLength(2);
  });
});

describe('render', () => {
  test('gives messages, text, system and an estimate', async () => {
    const prompts = await server(
      greeting('Hello {{ name }}!', {
        name: 'with_examples',
        system: 'You greet {{ name }}.',
        examples: [{ variables: { name: 'Bob', title: 'Dr' }, answer: 'Hi Bob' }],
      }),
    );
    const rendered = await prompts.render(
      { name: 'with_examples', variables: { name: 'Ada' } },
      'me',
    );
    expect(rendered).toMatchObject({
      text: 'Hello Ada!',
      system: 'You greet Ada.',
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Hello Bob! (Dr)' }] },
        { role: 'assistant', content: [{ type: 'text', text: 'Hi Bob' }] },
        { role: 'user', content: [{ type: 'text', text: 'Hello Ada!' }] },
      ],
      assignment: null,
      version: { number: 1, promptName: 'with_examples' },
    });
    expect(rendered.estimatedTokens).toBeGreaterThan(10);
  });

  test('puts a moved label into force for the next call on every server', async () => {
    const [one, other] = [await server(fresh('two_servers')), await server(fresh('two_servers'))];
    const name = 'two_servers';
    expect(await textOf(other, { name })).toBe('Hello Ada!');
    const version = await one.createVersion(
      { prompt: name, template: 'Hi {{ name }}', labels: ['staging'] },
      'ann',
    );
    expect(await textOf(other, { name })).toBe('Hello Ada!');
    expect(await textOf(other, { name, label: 'staging' })).toBe('Hi Ada');
    for (const [number, text] of [
      [version.number, 'Hi Ada'],
      [1, 'Hello Ada!'],
    ] as const) {
      await one.setLabel({ prompt: name, label: 'production', version: number }, 'ann');
      expect(await textOf(other, { name })).toBe(text);
    }
  });

  test('asks a Postgres once a call, and once for calls that come together', async () => {
    const name = 'few_queries';
    const registry = await registryOf(fresh(name));
    const shared = Object.assign(Object.create(database), { kind: 'postgres' });
    const prompts = createPrompts({ database: shared, registry, log: testLog });
    await prompts.synchronize();
    await textOf(prompts, { name });
    queries = 0;
    await textOf(prompts, { name });
    expect(queries).toBe(1);
    await Promise.all(Array.from({ length: 50 }, () => textOf(prompts, { name })));
    expect(queries).toBe(2);
    await textOf(prompts, { name, version: 1 });
    queries = 0;
    await textOf(prompts, { name, version: 1 });
    expect(queries).toBe(0);
    const another = createPrompts({ database: shared, registry, log: testLog });
    const input = { prompt: name, template: 'Hi {{ name }}', labels: ['production'] };
    await another.createVersion(input, 'ann');
    expect(await textOf(prompts, { name })).toBe('Hi Ada');
  });

  test('asks an embedded database, which has one server, once after each change', async () => {
    const name = 'no_queries';
    const registry = await registryOf(fresh(name));
    const alone = Object.assign(Object.create(database), { kind: 'embedded' });
    const prompts = createPrompts({ database: alone, registry, log: testLog });
    await prompts.synchronize();
    await textOf(prompts, { name });
    queries = 0;
    expect(await textOf(prompts, { name })).toBe('Hello Ada!');
    expect(queries).toBe(0);
    const input = { prompt: name, template: 'Hi {{ name }}', labels: ['production'] };
    // A call while the label moves may see either, but must leave nothing stale behind.
    const [, early] = await Promise.all([
      prompts.createVersion(input, 'ann'),
      textOf(prompts, { name }),
    ]);
    expect(['Hello Ada!', 'Hi Ada']).toContain(early);
    expect(await textOf(prompts, { name })).toBe('Hi Ada');
  });

  test('refuses what does not fit, with the path', async () => {
    const prompts = await server(greeting());
    const variables = { name: 'A name of more than 20 letters', nmae: 1 };
    expect(await refusal(textOf(prompts, { variables }))).toEqual({
      code: 'PROMPT_VARIABLES_INVALID',
      message: expect.stringContaining('The variables do not fit the prompt "greeting": nmae: '),
      issues: [
        { path: ['nmae'], message: expect.stringContaining('it declares: name, title') },
        { path: ['name'], message: expect.stringContaining('<=20') },
      ],
    });
    for (const wrong of [undefined, null, 'text', [], { name: 1 }, { name: null }]) {
      expect(await refusal(textOf(prompts, { variables: wrong }))).toMatchObject({
        code: 'PROMPT_VARIABLES_INVALID',
      });
    }
    expect(await refusal(textOf(prompts, { version: 1, label: 'production' }))).toMatchObject({
      issues: [{ path: ['label'], message: 'give a version or a label, not both' }],
    });
    for (const wrong of [
      { name: 'nothing' },
      { name: 'a\0' },
      { name: '__proto__' },
      { label: 'nowhere' },
      { label: 'toString' },
      { label: '' },
      { version: 99 },
      { version: -1 },
    ]) {
      expect(await refusal(textOf(prompts, wrong))).toMatchObject({ code: 'PROMPT_NOT_FOUND' });
    }
  });
});

describe('createVersion', () => {
  test('numbers versions one after another, under any concurrency', async () => {
    const prompts = await server(fresh('numbers'));
    const created = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        prompts.createVersion({ prompt: 'numbers', template: `${index} {{ name }}` }, 'ann'),
      ),
    );
    expect(created.map(({ number }) => number).sort((a, b) => a - b)).toEqual([
      2, 3, 4, 5, 6, 7, 8, 9,
    ]);
  });

  test('keeps who, when and why, and tells differences', async () => {
    const prompts = await server(fresh('history', 'One\n{{ name }}\n'));
    const { id } = (await prompts.get('history')) as { id: string };
    const version = await prompts.createVersion(
      {
        prompt: 'history',
        template: 'Two\n{{ name }}\n',
        system: 'Be kind.',
        model: 'claude-haiku-5-5',
        maxTokens: 7,
        notes: 'kinder',
        labels: ['production', 'production', 'staging'],
      },
      'ann',
    );
    expect(version).toMatchObject({ number: 2, createdBy: 'ann', notes: 'kinder', maxTokens: 7 });
    await prompts.setLabel({ prompt: 'history', label: 'production', version: 1 }, 'bob');
    await prompts.setLabel({ prompt: 'history', label: 'production', version: 1 }, 'eve');
    const { edges } = await prompts.labelChanges(id, {});
    const history = edges.map(({ node }) => node).reverse();
    expect(history.map(({ label, changedBy }) => [label, changedBy])).toEqual([
      ['production', 'plugin:letters'],
      ['production', 'ann'],
      ['staging', 'ann'],
      ['production', 'bob'],
    ]);
    const guard = '{% if title %} ({{ title }}){% endif %}';
    expect(await prompts.diff(version.id)).toBe(
      `--- history version 1\n+++ history version 2\n@@ -1,3 +1,2 @@\n-One\n+Two\n {{ name }}\n-${guard}\n\\ No newline at end of file\n`,
    );
    const first = (await prompts.version(id, { number: 1 }))?.id as string;
    expect(await prompts.diff(first)).toContain('+One\n');
    expect(await prompts.diff(first, 2)).toContain('-Two\n+One\n');
    expect(await refusal(prompts.diff(first, 9))).toMatchObject({ code: 'NOT_FOUND' });
  });

  test.for([
    [{ template: '{{ nme }}' }, ['template', 'nme']],
    [{ template: '{{ name' }, ['template']],
    [{ template: '{{ title }}' }, ['template', 'title']],
    [{ template: 'x', system: '{{ nme }}' }, ['system', 'nme']],
    [{ template: 'x', maxTokens: 0 }, ['maxTokens']],
    [{ template: 'x', labels: ['good', 'not good'] }, ['labels', '1']],
    [{ template: 'x\0' }, ['template']],
  ] as const)('refuses %s and stores nothing', async ([input, path]) => {
    const prompts = await server(greeting());
    const { id } = (await prompts.get('greeting')) as { id: string };
    const before = await prompts.versions(id, {});
    const call = prompts.createVersion({ prompt: 'greeting', ...input }, 'ann');
    expect(await refusal(call)).toMatchObject({ code: 'TEMPLATE_INVALID', issues: [{ path }] });
    expect(await prompts.versions(id, {})).toEqual(before);
  });

  test('refuses what is not there', async () => {
    const prompts = await server(greeting());
    const label = { label: 'production', version: 99 };
    expect(
      await refusal(prompts.createVersion({ prompt: 'no', template: 'x' }, 'a')),
    ).toMatchObject({
      code: 'PROMPT_NOT_FOUND',
    });
    expect(await refusal(prompts.setLabel({ prompt: 'no', ...label }, 'a'))).toMatchObject({
      code: 'PROMPT_NOT_FOUND',
    });
    expect(await refusal(prompts.setLabel({ prompt: 'greeting', ...label }, 'a'))).toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

test('lists, searches and pages; ids that are none find nothing', async () => {
  const prompts = await server(fresh('page_a'), fresh('page_b'), fresh('page_c'), greeting());
  const first = await prompts.list({ first: 2, search: 'page_' });
  expect(first.edges.map(({ node }) => node.name)).toEqual(['page_a', 'page_b']);
  expect(first.hasNextPage).toBe(true);
  const after = first.edges[1]?.cursor ?? null;
  const second = await prompts.list({ first: 2, search: 'PAGE_', after });
  expect(second.edges.map(({ node }) => node.name)).toEqual(['page_c']);
  expect(second).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
  expect((await prompts.list({ search: 'greets A' })).edges.length).toBeGreaterThan(3);
  expect((await prompts.list({ search: '%' })).edges).toEqual([]);
  await expect(prompts.list({ after: '' })).rejects.toThrow('no cursor');
  await expect(prompts.versions('x', { first: 0 })).rejects.toThrow('from 1 to 100');
  const { id } = (await prompts.get('greeting')) as { id: string };
  expect(await prompts.promptsById(['nonsense', id])).toMatchObject([null, { name: 'greeting' }]);
  expect(await prompts.versionsById(['nonsense'])).toEqual([null]);
  expect(await prompts.promptsByName(['greeting', 'no\0'])).toMatchObject([{ id }, null]);
});
