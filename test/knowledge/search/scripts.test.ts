import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJudgedCollection } from '../../../bench/retrieval-collection.ts';
import type { JudgedQuestion } from '../../../src/cli/calibrate/judged-questions.ts';
import type { Database } from '../../../src/data/database.ts';
import { createKnowledge } from '../../../src/knowledge/create-knowledge.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { testLog } from '../../support/test-log.ts';
import { type AdminKnowledge, asAdmin } from '../support/as-admin.ts';

const folder = path.join(import.meta.dirname, '../../../bench/collections/scripts');
const collection = 'scripts';
let database: Database & AsyncDisposable;
let knowledge: AdminKnowledge;
let questions: JudgedQuestion[];

beforeAll(async () => {
  database = await openTestDatabase();
  knowledge = asAdmin(
    createKnowledge({
      database,
      embedders: [],
      defaultEmbedder: 'hash-512',
      log: testLog,
    }),
  );
  const judged = await readJudgedCollection(folder);
  questions = judged.questions;
  const documents = judged.documents.map(({ id, text }) => ({ source: id, text }));
  await knowledge.ingest({ collection, documents });
});
afterAll(async () => {
  await knowledge.close();
  await database[Symbol.asyncDispose]();
});

const first = async (query: string, mode: 'KEYWORD' | 'HYBRID'): Promise<string | undefined> =>
  (await knowledge.search({ query, collection, mode, topK: 1 }))[0]?.source;

/** The questions whose first answer is none of those that were judged to answer them. */
async function missed(asked: readonly JudgedQuestion[], mode: 'KEYWORD' | 'HYBRID') {
  const answers = await Promise.all(
    asked.map(async ({ text, judged }) => ({ text, judged, found: await first(text, mode) })),
  );
  return answers.filter(({ judged, found }) => !judged.has(found ?? '')).map(({ text }) => text);
}

const ofLanguage = (language: string): JudgedQuestion[] =>
  questions.filter(({ judged }) =>
    [...judged.keys()].some((source) => source.startsWith(`${language}-`)),
  );

describe.each(['KEYWORD', 'HYBRID'] as const)('%s search', (mode) => {
  it.each([
    ['Chinese', 'zh'],
    ['Japanese', 'ja'],
    ['Korean', 'ko'],
    ['Thai', 'th'],
    ['Hindi', 'hi'],
    ['Arabic', 'ar'],
    ['Hebrew', 'he'],
    ['Russian', 'ru'],
    ['accented Latin', 'latin'],
    ['names with signs', 'name'],
  ])('puts the passage that answers first: %s', async (_name, language) => {
    const asked = ofLanguage(language);
    expect(asked.length).toBeGreaterThan(9);
    const failures = await missed(asked, mode);
    expect(failures.length / asked.length, failures.join(', ')).toBeLessThanOrEqual(0.1);
  });

  it('finds nine in ten words of two characters first', async () => {
    const words = questions.filter(({ text }) => /^[\p{scx=Han}\p{scx=Hang}]{2}$/u.test(text));
    expect(words.length).toBeGreaterThan(40);
    expect((await missed(words, mode)).length / words.length).toBeLessThanOrEqual(0.1);
  });
});
