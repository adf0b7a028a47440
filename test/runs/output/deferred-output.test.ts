import { expect, test } from 'vitest';
import { z } from 'zod';
import { definePlugin, definePrompt } from '../../../src/tessera.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

const report = definePrompt({
  name: 'write_report',
  description: 'Writes a report.',
  variables: z.object({ text: z.string() }),
  output: z.object({
    title: z.string(),
    parts: z.array(z.object({ heading: z.string(), body: z.string() })),
    grade: z.number(),
  }),
  template: '{{ text }}',
});
const plugin = definePlugin({
  name: 'reports',
  version: '1.0.0',
  setup: () => ({ prompts: [report] }),
});

interface Part {
  data?: { writeReport: { output?: object; cost?: string; code?: string } };
  incremental?: { data: Record<string, unknown>; path: (string | number)[]; errors?: unknown[] }[];
  hasNext: boolean;
}

/** The parts of a multipart answer, each with the milliseconds until it came. */
async function parts(server: TestServer, query: string): Promise<{ part: Part; at: number }[]> {
  const startedAt = performance.now();
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${server.adminKey}`,
      'content-type': 'application/json',
      accept: 'multipart/mixed',
    },
    body: JSON.stringify({ query }),
  });
  const found: { part: Part; at: number }[] = [];
  let rest = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split(/\r?\n-{2,3}-*\r?\n/);
    rest = blocks.pop()!;
    for (const block of blocks) {
      const json = block.slice(block.indexOf('{'), block.lastIndexOf('}') + 1);
      if (json) found.push({ part: JSON.parse(json) as Part, at: performance.now() - startedAt });
    }
  }
  return found;
}

const query = (text: string) => `mutation {
  writeReport(variables: { text: "${text}" }, options: { cache: BYPASS }) {
    ... on Error { code }
    ... on WriteReportCompletion {
      ... @defer { output { title } }
      ... @defer { cost text output { parts { heading } grade } }
    } } }`;

test('deferred parts of an output come as they become whole', async () => {
  await using server = await startTestServer({ plugins: [plugin()] });
  const answer = await parts(server, query('[demo:delay 20] Roman floors were laid with stone.'));
  const increments = answer.flatMap(({ part, at }) =>
    (part.incremental ?? []).map((increment) => ({ ...increment, at })),
  );
  const title = increments.find(({ data }) => 'title' in ((data['output'] as object) ?? {}));
  const last = increments.find(({ data }) => 'cost' in data);
  expect(title?.data).toEqual({ output: { title: expect.any(String) } });
  expect(last?.data).toMatchObject({
    text: expect.stringContaining('"heading"'),
    cost: expect.stringMatching(/^0\.\d+$/),
    output: { grade: expect.any(Number) },
  });
  expect(JSON.parse(last!.data['text'] as string)).toMatchObject(title!.data['output'] as object);
  expect(title!.at).toBeLessThan(last!.at);
});

test('a run that fails before its first value is the error member, and one that fails later an error', async () => {
  await using server = await startTestServer({ plugins: [plugin()] });
  const early = await parts(server, query('[demo:fault refusal] No.'));
  expect(early[0]?.part.data?.writeReport.code).toBe('MODEL_REFUSED');
  const late = await parts(
    server,
    query('[demo:delay 20] [demo:fault stream_error after=12] Roman floors were laid with stone.'),
  );
  const text = JSON.stringify(late);
  expect(text.includes('MODEL_') || text.includes('errors')).toBe(true);
});
