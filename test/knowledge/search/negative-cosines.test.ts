import { expect, test } from 'vitest';
import type { Embedder } from '../../../src/kernel/embedder.ts';
import { createKnowledge } from '../../../src/knowledge/create-knowledge.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { testLog } from '../../support/test-log.ts';
import { asAdmin } from '../support/as-admin.ts';

/** Lays "at -0.25" down at that cosine from every question. */
const angles: Embedder = {
  name: 'angles',
  dimensions: 2,
  weight: 0.5,
  embed: async (texts, { purpose }) => ({
    billedTokens: 0,
    vectors: texts.map((text) => {
      const cosine = purpose === 'query' ? 1 : Number(/at (\S+)/.exec(text)![1]);
      return [cosine, Math.sqrt(1 - cosine * cosine)];
    }),
  }),
};

test.each(['SEMANTIC', 'HYBRID'] as const)(
  'passages that point away are told too, nearest first (%s)',
  async (mode) => {
    await using database = await openTestDatabase();
    const embedders = [angles];
    const knowledge = asAdmin(
      createKnowledge({
        database,
        embedders,
        defaultEmbedder: 'angles',
        log: testLog,
      }),
    );
    const cosines = ['-0.9', '-0.1', '-0.5', '-0.02', '-0.7', '-0.3'];
    const documents = cosines.map((cosine) => ({ source: cosine, text: `at ${cosine}` }));
    await knowledge.ingest({ collection: 'default', documents });
    const hits = await knowledge.search({ query: 'elsewhere', mode, topK: 4 });
    expect(hits.map(({ source }) => source)).toEqual(['-0.02', '-0.1', '-0.3', '-0.5']);
    expect(hits.map(({ score }) => score)).toEqual([0, 0, 0, 0]);
    await knowledge.close();
  },
);
