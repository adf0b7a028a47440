import { afterAll, beforeAll, expect, test } from 'vitest';
import { definePlugin } from '../../../src/tessera.ts';
import { createCountingEmbedder } from '../../knowledge/support/counting-embedder.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';
import { createFolder, type Folder, runCli } from '../support/run-cli.ts';

const names = ['kettle', 'saucer', 'strainer', 'samovar', 'infuser', 'thermometer'];
const texts = names.map((name) => `The ${name} stands on the ${name} shelf of the tea room.`);
/** By words nothing is found for these: only pieces of words are common. */
const misspelt = ['ketle', 'sawcer', 'strayner', 'samovaar', 'infusor', 'termometer'];
const queries = misspelt.map((text, index) => JSON.stringify({ _id: `q${index}`, text }));
const qrels = names.map((name, index) => `q${index}\t${name}.md\t1`);
const files = {
  'queries.jsonl': queries.join('\n'),
  'qrels.tsv': ['query-id\tcorpus-id\tscore', ...qrels].join('\n'),
};
const embedder = createCountingEmbedder();
const plugin = definePlugin({
  name: 'counting-embedder',
  version: '1.0.0',
  setup: () => ({ embedders: [embedder] }),
});

let server: TestServer;
let folder: Folder;
beforeAll(async () => {
  server = await startTestServer({ plugins: [plugin()] });
  folder = await createFolder(files);
  const documents = names.map((name, index) => ({ source: `${name}.md`, text: texts[index] }));
  await server.data(
    `mutation ($input: IngestDocumentsInput!) { ingestDocuments(input: $input) { __typename } }`,
    { input: { collection: 'tea', documents } },
  );
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const calibrate = (...words: string[]) =>
  runCli(['calibrate', folder.path, '--collection', 'tea', ...words], { cwd: folder.path, server });
const weightOf = async (name: string): Promise<number | null | undefined> => {
  const { collections } = await server.data<{
    collections: { name: string; embedderWeight: number | null }[];
  }>(`{ collections { name embedderWeight } }`);
  return collections.find((collection) => collection.name === name)?.embedderWeight;
};

test('ranks the questions with each weight and tells the best', async () => {
  const { code, output } = await calibrate();
  expect(code).toBe(0);
  const rows = [...output.matchAll(/^(\d\.\d) +(\d\.\d{4})( {2}best)?$/gm)];
  expect(rows).toHaveLength(11);
  // With words alone the order is chance.
  expect(Number(rows[0]?.[2])).toBeLessThan(0.9);
  expect(Number(rows[10]?.[2])).toBe(1);
  const best = rows.find(([, , , mark]) => mark);
  expect(Number(best?.[2])).toBe(1);
  // Of equals the smallest.
  const earlier = rows.slice(0, rows.indexOf(best!));
  expect(earlier.every(([, , score]) => Number(score) < 1)).toBe(true);
  expect(output).toMatch(/^now {5}\d\.\d{4}$/m);
  expect(output).toContain(`--apply sets ${Number(best?.[1])}.`);
  expect(await weightOf('tea')).toBe(null);
});

test('--apply sets it', async () => {
  const { output } = await calibrate('--apply');
  const [, weight] = /"tea" has the weight ([\d.]+) now\./.exec(output) ?? [];
  expect(await weightOf('tea')).toBe(Number(weight));
  const again = await calibrate();
  expect(again.output).toContain('no more than chance');
});

test.for<[string, Record<string, string>, string]>([
  ['no judgements', { 'qrels.tsv': 'query-id\tcorpus-id\tscore' }, 'No question in'],
  ['a broken question', { 'queries.jsonl': '{"_id": "1"}' }, 'queries.jsonl:1: write {"_id"'],
  ['a broken judgement', { 'qrels.tsv': 'head\nq1\tkettle.md' }, 'qrels.tsv:2: write query-id'],
  ['other sources', { 'qrels.tsv': 'head\nq1\telsewhere.md\t1' }, "must be the documents' sources"],
])('says what is wrong with %s', async ([, changed, message]) => {
  await using other = await createFolder({ ...files, ...changed });
  const words = ['calibrate', other.path, '--collection', 'tea'];
  const { code, progress } = await runCli(words, { cwd: other.path, server });
  expect(code).toBe(1);
  expect(progress).toContain(message);
});

test('says which collections and which files there are', async () => {
  const unknown = await runCli(['calibrate', folder.path, '-c', 'te'], {
    cwd: folder.path,
    server,
  });
  expect(unknown.progress).toContain('There is no collection "te"; there are: "tea".');
  const empty = await runCli(['calibrate', '/nowhere', '-c', 'tea'], { cwd: folder.path, server });
  expect(empty.progress).toContain('/nowhere/queries.jsonl cannot be read.');
});

test('a hosted embedder embeds each question once', async () => {
  await server.data(
    `mutation { updateCollection(input: { name: "tea", embeddingModel: "counting" }) { __typename } }`,
  );
  const model = `{ collections { embeddingModel } }`;
  await expect
    .poll(() => server.data(model))
    .toEqual({ collections: [{ embeddingModel: 'counting' }] });
  await calibrate();
  expect(embedder.questions).toEqual(misspelt);
});
