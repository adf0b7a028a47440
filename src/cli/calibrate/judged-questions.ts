import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CliError } from '../cli-error.ts';
import type { Judgements } from './ranking-metrics.ts';

export interface JudgedQuestion {
  id: string;
  text: string;
  /** By the source of the document. */
  judged: Judgements;
}

/**
 * The questions of a folder in BEIR layout that have a relevant document: `queries.jsonl`, a line
 * `{"_id": "1", "text": "…"}` each, and `qrels.tsv` (or `qrels/test.tsv`), a line `query-id<TAB>corpus-id<TAB>score` each
 * under a head. Throws a `CliError` that names the line.
 */
export async function readJudgedQuestions(folder: string): Promise<JudgedQuestion[]> {
  const queries = await readQueries(path.join(folder, 'queries.jsonl'));
  const judged = await readJudgements(folder);
  return queries.flatMap(({ id, text }) => {
    const ofQuestion = judged.get(id);
    const isUseful = [...(ofQuestion?.values() ?? [])].some((gain) => gain > 0);
    return ofQuestion && isUseful ? [{ id, text, judged: ofQuestion }] : [];
  });
}

async function readQueries(file: string): Promise<{ id: string; text: string }[]> {
  const lines = (await read(file)).split('\n');
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    const { _id, id = _id, text } = objectOf(line);
    if (id === undefined || typeof text !== 'string')
      throw new CliError(`${file}:${index + 1}: write {"_id": "…", "text": "…"}`);
    return [{ id: String(id), text }];
  });
}

function objectOf(line: string): { _id?: unknown; id?: unknown; text?: unknown } {
  try {
    return Object(JSON.parse(line));
  } catch {
    return {};
  }
}

async function readJudgements(folder: string): Promise<Map<string, Map<string, number>>> {
  const plain = path.join(folder, 'qrels.tsv');
  const nested = path.join(folder, 'qrels', 'test.tsv');
  const file = await read(plain).then(
    () => plain,
    () => nested,
  );
  const content = await read(file).catch(() => {
    throw new CliError(
      `${plain} is missing: judgements, a line "query-id<TAB>corpus-id<TAB>score" each.`,
    );
  });
  const judged = new Map<string, Map<string, number>>();
  content.split(/\r?\n/).forEach((line, index) => {
    if (index === 0 || line === '') return;
    const [query = '', document = '', gain = ''] = line.split('\t');
    if (document === '' || gain.trim() === '' || !Number.isFinite(Number(gain)))
      throw new CliError(`${file}:${index + 1}: write query-id<TAB>corpus-id<TAB>score`);
    if (!judged.has(query)) judged.set(query, new Map());
    judged.get(query)?.set(document, Number(gain));
  });
  return judged;
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CliError(`${file} cannot be read.`, { cause: error });
  }
}
