import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startCheckpoints } from '../../../src/data/embedded/start-checkpoints.ts';
import { openDatabase } from '../../../src/data/open-database.ts';
import { embeddedTemplate } from '../../support/embedded-template.ts';
import { testLog } from '../../support/test-log.ts';

test('the write-ahead log of a busy embedded database does not grow without bound', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'tessera-data-'));
  onTestFinished(() => rm(dataDir, { recursive: true }));
  const loadDataDir = await embeddedTemplate();
  const database = await openDatabase({ dataDir, loadDataDir, log: testLog });
  const checkpoints = startCheckpoints({
    database,
    log: testLog,
    walBytes: 1_000_000,
    intervalMs: 20,
  });
  const redo = async (): Promise<string> => {
    const [row] = await database.query<{ lsn: string }>(
      'SELECT redo_lsn::text AS lsn FROM pg_control_checkpoint()',
    );
    return row!.lsn;
  };
  const before = await redo();
  await database.query('CREATE TABLE "Filler" (text text)');
  for (let round = 0; round < 8; round++) {
    await database.query(
      `INSERT INTO "Filler" SELECT repeat(md5(n::text), 60) FROM generate_series(1, 8000) AS n`,
    );
    await database.query('TRUNCATE "Filler"');
  }
  await expect.poll(redo).not.toBe(before);
  await checkpoints.close();
  const segments = await readdir(path.join(dataDir, 'postgres', 'pg_wal'));
  expect(segments.filter((name) => name.length === 24).length).toBeLessThan(8);
  await database.close();
});
