import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { readMigrations } from '../../src/data/deploy-migrations.ts';
import { openEmbeddedDatabase } from '../../src/data/open-database.ts';
import { testLog } from './test-log.ts';

const folder = new URL('../../node_modules/.cache/tessera-test/', import.meta.url);
const pglitePackage = new URL(
  '../../node_modules/@electric-sql/pglite/package.json',
  import.meta.url,
);

/** A tarball of the migrated, empty embedded database; made when the migrations or PGlite have changed. */
export async function embeddedTemplate(): Promise<Blob> {
  const file = new URL(`template-${await fingerprint()}.tar`, folder);
  // Not openAsBlob: a blob backed by a file can't pass to the database's thread.
  return readFile(file).then(
    (bytes) => new Blob([bytes]),
    () => makeTemplate(file),
  );
}

/** Makes a server process's data folder from it: to make one anew takes twice as long. */
export async function fillDataFolder(dataDir: string): Promise<void> {
  const loadDataDir = await embeddedTemplate();
  const database = await openEmbeddedDatabase({ dataDir, loadDataDir, log: testLog });
  await database.close();
}

/** Changes with whatever the content of a new database follows from. */
export async function fingerprint(): Promise<string> {
  const hash = createHash('sha256');
  for (const { name, checksum } of await readMigrations()) hash.update(`${name} ${checksum}\n`);
  hash.update(await readFile(pglitePackage));
  return hash.digest('hex').slice(0, 16);
}

async function makeTemplate(file: URL): Promise<Blob> {
  const database = await openEmbeddedDatabase({ dataDir: 'memory://', log: testLog });
  const dump = await database.dump();
  await database.close();
  await mkdir(folder, { recursive: true });
  const outdated = (await readdir(folder)).filter((name) => name.startsWith('template-'));
  for (const name of outdated) await rm(new URL(name, folder), { force: true });
  // Two test runs may make it at once: the rename is all or nothing.
  const draft = new URL(`${randomUUID()}.tar`, folder);
  await writeFile(draft, Buffer.from(await dump.arrayBuffer()));
  await rename(draft, file);
  return dump;
}
