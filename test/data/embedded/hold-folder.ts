// A process that opens the data folder it is given, writes a row, says so, and stays until it is killed.
import { openDatabase } from '../../../src/data/open-database.ts';
import { embeddedTemplate } from '../../support/embedded-template.ts';
import { testLog } from '../../support/test-log.ts';

const database = await openDatabase({
  dataDir: process.argv[2]!,
  loadDataDir: await embeddedTemplate(),
  log: testLog,
});
await database.query(
  `INSERT INTO "Budget" ("id", "subject", "period", "limit") VALUES (gen_random_uuid(), 'survivor', 'DAILY', 1)`,
);
console.log('open');
