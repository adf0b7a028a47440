import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type JudgedQuestion, readJudgedQuestions } from '../src/cli/calibrate/judged-questions.ts';

export interface JudgedCollection {
  documents: { id: string; title: string; text: string }[];
  /** Only questions with at least one relevant document. */
  questions: JudgedQuestion[];
}

/** Reads a folder in BEIR layout: `corpus.jsonl` (or `.gz`), `queries.jsonl`, `qrels.tsv` (or `qrels/test.tsv`). */
export async function readJudgedCollection(folder: string): Promise<JudgedCollection> {
  return {
    documents: await readDocuments(path.join(folder, 'corpus.jsonl')),
    questions: await readJudgedQuestions(folder),
  };
}

async function readDocuments(file: string): Promise<JudgedCollection['documents']> {
  const content = await readFile(file, 'utf8').catch(async () =>
    gunzipSync(await readFile(`${file}.gz`)).toString('utf8'),
  );
  const lines = content.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const { _id, id = _id, title = '', text = '' } = JSON.parse(line);
    // Some are a title and nothing else.
    return { id: String(id), title, text: text.trim() === '' ? title || '.' : text };
  });
}
