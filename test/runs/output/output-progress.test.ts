import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { WholeValue } from '../../../src/kernel/events.ts';
import { OutputProgress } from '../../../src/runs/output/output-progress.ts';
import { definePlugin, definePrompt } from '../../../src/tessera.ts';
import { startTestServer } from '../../support/start-test-server.ts';

const pointers = (whole: readonly WholeValue[]): string[] => whole.map(({ pointer }) => pointer);

describe('values of an output that become whole', () => {
  const schema = z.object({
    a: z.string(),
    'b/c': z.array(z.object({ n: z.number() })),
    kind: z.discriminatedUnion('k', [z.object({ k: z.literal('x'), v: z.string() })]).optional(),
  });

  test('are reported once, when their last character has come', () => {
    const text = JSON.stringify({
      a: 'hé"y',
      'b/c': [{ n: 12 }, { n: 3 }],
      kind: { k: 'x', v: 'w' },
    });
    const progress = new OutputProgress(schema);
    const all: WholeValue[] = [];
    for (const [index, character] of [...text].entries()) {
      const found = progress.write(character);
      const seen = text.slice(0, index + 1);
      for (const { value } of found) {
        if (typeof value === 'string') expect(seen).toContain(JSON.stringify(value));
      }
      all.push(...found);
    }
    expect(pointers(all)).toEqual([
      '/a',
      '/b~1c/0/n',
      '/b~1c/0',
      '/b~1c/1/n',
      '/b~1c/1',
      '/b~1c',
      '/kind/k',
      '/kind/v',
      '/kind',
      '',
    ]);
    expect(all[1]).toEqual({ pointer: '/b~1c/0/n', value: 12 });
    expect(all[2]).toEqual({ pointer: '/b~1c/0' });
  });

  test('are not reported when they are not of the schema, nor is anything after them', () => {
    const progress = new OutputProgress(schema);
    expect(pointers(progress.write('{"a": "yes", "b/c": [{"n": "no"}, '))).toEqual(['/a']);
    expect(progress.write('{"n": 1}]}')).toEqual([]);
  });

  test.each(['```json\n{"a": "x"}', 'Sure: {"a": "x"}', '{"a" "x"}'])(
    'are not looked for in text that is no JSON: %s',
    (text) => {
      expect(new OutputProgress(schema).write(text)).toEqual([]);
    },
  );

  test('nobody asked for are passed over', () => {
    const progress = new OutputProgress(schema);
    expect(pointers(progress.write('{"extra": 1, "a": "x",'))).toEqual(['/a']);
  });
});

const extract = definePrompt({
  name: 'extract_invoice',
  description: 'Extracts an invoice.',
  variables: z.object({ text: z.string() }),
  output: z.object({
    number: z.string(),
    total: z.number(),
    lines: z.array(z.object({ article: z.string(), price: z.number() })),
  }),
  template: '{{ text }}',
});
const plugin = definePlugin({
  name: 'invoices',
  version: '1.0.0',
  setup: () => ({ prompts: [extract] }),
});

interface Event {
  __typename: string;
  cursor: string;
  runId: string;
  output?: { number?: string; lines?: { article?: string }[] };
  complete?: string[];
  partial?: { number: string | null; lines: { article: string | null }[] | null } | null;
  run?: { output: { number: string; lines: { article: string }[] } };
}

const fields = `__typename cursor runId
  ... on OutputProgressed { output complete partial { ... on ExtractInvoiceOutputPartial { number lines { article } } } }
  ... on RunFinished { run { ... on ExtractInvoiceCompletion { output { number lines { article } } } } }`;

test('an output streams typed, field by field, and goes on from any cursor', async () => {
  await using server = await startTestServer({ plugins: [plugin()] });
  const stream = server.subscribe<Event>(
    `subscription { extractInvoice(variables: { text: "[demo:delay 25] Invoice 17 over 3 chairs." }) { ${fields} } }`,
  );
  const events = await stream.rest();
  const progressed = events.filter(({ __typename }) => __typename === 'OutputProgressed');
  const finished = events.at(-1)!.run!.output;
  expect(progressed.length).toBeGreaterThan(1);
  expect(progressed[0]!.partial?.lines).toBeNull();
  const last = progressed.at(-1)!;
  expect(last.output).toEqual(finished);
  expect(last.partial).toEqual(finished);
  expect(last.complete).toEqual(expect.arrayContaining(['', '/number', '/lines/0/article']));
  expect(last.complete).not.toContain('/total');
  const lengths = progressed.map(({ complete }) => complete!.length);
  expect(lengths).toEqual(lengths.toSorted((one, other) => one - other));

  const middle = progressed[0]!;
  const resumed = server.subscribe<Event>(
    `subscription ($id: ID!, $after: String) { runEvents(runId: $id, after: $after) { ${fields} } }`,
    { id: middle.runId, after: middle.cursor },
  );
  const rest = await resumed.rest();
  const again = rest.filter(({ __typename }) => __typename === 'OutputProgressed');
  expect(again.map(({ output, complete, partial }) => ({ output, complete, partial }))).toEqual(
    progressed.slice(1).map(({ output, complete, partial }) => ({ output, complete, partial })),
  );
});

test('the first value of twenty is there before a seventh of the text has come', () => {
  const names = Array.from({ length: 20 }, (_, index) => `field${index}`);
  const schema = z.object(Object.fromEntries(names.map((name) => [name, z.string()])));
  const text = JSON.stringify(Object.fromEntries(names.map((name) => [name, 'some words of it'])));
  const progress = new OutputProgress(schema);
  const first = [...text].findIndex((character) => progress.write(character).length > 0);
  expect(first).toBeGreaterThan(0);
  expect(first / text.length).toBeLessThan(0.15);
});
