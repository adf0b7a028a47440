import { expect, test } from 'vitest';
import { createKnowledge } from '../../../src/knowledge/create-knowledge.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { testLog } from '../../support/test-log.ts';
import { asAdmin } from '../support/as-admin.ts';

const document = (source: string) => ({ source, text: `The ${source} turns slowly.` });

test('a search that names no collection means "default", else the only one there is', async () => {
  await using database = await openTestDatabase();
  const options = { database, embedders: [], defaultEmbedder: 'hash-512', log: testLog };
  const knowledge = asAdmin(createKnowledge(options));
  const found = async () => (await knowledge.search({ query: 'what turns' }))[0]?.source;
  await expect(found()).rejects.toMatchObject({ code: 'COLLECTION_NOT_FOUND' });
  await knowledge.ingest({ collection: 'mills', documents: [document('mill')] });
  expect(await found()).toBe('mill');
  await knowledge.ingest({ collection: 'wheels', documents: [document('wheel')] });
  await expect(found()).rejects.toThrow('"mills", "wheels"');
  await knowledge.ingest({ collection: 'default', documents: [document('lathe')] });
  expect(await found()).toBe('lathe');
  await knowledge.close();
});
