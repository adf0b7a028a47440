// npm run bench:chunks -- FOLDER: how much of what answers a question is in 4,000 characters of passages. The folder is
// general_evaluation_data of https://github.com/brandonstarxel/chunking_evaluation (MIT): corpora/*.md and
// questions_df.csv, whose questions name the excerpts that answer them.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { mean } from '../src/cli/calibrate/ranking-metrics.ts';
import type { ApiClient } from '../src/cli/create-api-client.ts';
import { IngestBatchDocument } from '../src/cli/operations/operations.generated.ts';
import { SearchDocument } from '../src/generated/gql/graphql.ts';
import { startBenchServer } from './start-bench-server.ts';

const budget = 4_000;
const collection = 'bench';

interface Span {
  start: number;
  end: number;
}
interface Question {
  text: string;
  corpus: string;
  references: string[];
}

/** Cells in quotes may hold commas, line breaks and doubled quotes. */
const csvRows = (content: string): string[][] => {
  const rows: string[][] = [[]];
  for (const [, quoted, plain = '', separator] of content.matchAll(
    /(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\r?\n|$)/g,
  )) {
    rows.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain);
    if (separator !== ',') rows.push([]);
  }
  return rows.filter((row) => row.length === 3);
};

async function readQuestions(folder: string): Promise<Question[]> {
  const content = await readFile(path.join(folder, 'questions_df.csv'), 'utf8');
  return csvRows(content)
    .slice(1)
    .map(([text = '', references = '[]', corpus = '']) => ({
      text,
      corpus: `${corpus}.md`,
      references: (JSON.parse(references) as { content: string }[]).map(({ content }) => content),
    }));
}

const spanOf = (text: string, excerpt: string): Span => {
  const start = text.indexOf(excerpt);
  return { start, end: start + excerpt.length };
};

/** Where in a text the passages that fit the budget stand; the last one is cut. */
async function found(
  client: ApiClient,
  { text, corpus }: Question,
  document: string,
): Promise<Span[]> {
  const input = { query: text, collection, topK: 20 };
  const { search } = await client.execute(SearchDocument, { input });
  const spans: Span[] = [];
  let room = budget;
  for (const { source, content } of search) {
    const { start, end } = spanOf(document, content);
    if (source === corpus && room > 0) spans.push({ start, end: Math.min(end, start + room) });
    room -= content.length;
  }
  return spans;
}

function covered({ start, end }: Span, spans: readonly Span[]): number {
  let count = 0;
  for (let at = start; at < end; at++)
    if (spans.some((span) => at >= span.start && at < span.end)) count += 1;
  return count;
}

const [folder = ''] = process.argv.slice(2);
const questions = await readQuestions(folder);
const names = await readdir(path.join(folder, 'corpora'));
const documents = new Map<string, string>();
for (const name of names)
  documents.set(name, await readFile(path.join(folder, 'corpora', name), 'utf8'));
const { client, stop } = await startBenchServer();
const counts: number[] = [];
for (const [source, text] of documents) {
  const variables = { collection, documents: [{ source, text }] };
  const { ingestDocuments: result } = await client.execute(IngestBatchDocument, variables);
  if (!('chunks' in result)) throw new Error(JSON.stringify(result));
  counts.push(result.chunks);
}
const recalls: number[] = [];
const whole: number[] = [];
for (const question of questions) {
  const document = documents.get(question.corpus)!;
  const spans = await found(client, question, document);
  const references = question.references.map((excerpt) => spanOf(document, excerpt));
  const lengths = references.map(({ start, end }) => end - start);
  const parts = references.map((reference) => covered(reference, spans));
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  recalls.push(sum(parts) / sum(lengths));
  whole.push(mean(parts.map((part, index) => (part === lengths[index] ? 1 : 0))));
}
await stop();
console.log(`${counts.reduce((a, b) => a + b)} chunks, ${questions.length} questions`);
console.log(`characters found within ${budget}: ${(100 * mean(recalls)).toFixed(1)} %`);
console.log(`excerpts found whole: ${(100 * mean(whole)).toFixed(1)} %`);
