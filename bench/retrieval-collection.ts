import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Judgements } from './retrieval-metrics.ts';

export interface JudgedCollection {
  documents: { id: string; title: string; text: string }[];
  /** Only questions with at least one relevant document. */
  questions: { id: string; text: string; judged: Judgements }[];
}

/** Reads a folder in BEIR layout: `corpus.jsonl` (or `.gz`), `queries.jsonl`, `qrels.tsv` (or `qrels/test.tsv`). */
export async function readJudgedCollection(folder: string): Promise<JudgedCollection> {
  const documents = await readLines(path.join(folder, 'corpus.jsonl'));
  const queries = await readLines(path.join(folder, 'queries.jsonl'));
  const judged = new Map<string, Map<string, number>>();
  const lines = (await readQrels(folder)).split(/\r?\n/).slice(1);
  for (const line of lines.filter((each) => each !== '')) {
    const [query = '', document = '', gain = '0'] = line.split('\t');
    if (!judged.has(query)) judged.set(query, new Map());
    judged.get(query)?.set(document, Number(gain));
  }
  const hasRelevant = (id: string): boolean =>
    [...(judged.get(id)?.values() ?? [])].some((gain) => gain > 0);
  return {
    documents: documents.map(({ id, title, text }) => ({ id, title, text })),
    questions: queries
      .filter(({ id }) => hasRelevant(id))
      .map(({ id, text }) => ({ id, text, judged: judged.get(id)! })),
  };
}

interface Line {
  id: string;
  title: string;
  text: string;
}

async function readLines(file: string): Promise<Line[]> {
  const content = await readFile(file, 'utf8').catch(async () =>
    gunzipSync(await readFile(`${file}.gz`)).toString('utf8'),
  );
  const lines = content.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const { _id, id = _id, title = '', text = '' } = JSON.parse(line);
    return { id: String(id), title, text };
  });
}

const readQrels = (folder: string): Promise<string> =>
  readFile(path.join(folder, 'qrels.tsv'), 'utf8').catch(() =>
    readFile(path.join(folder, 'qrels', 'test.tsv'), 'utf8'),
  );
