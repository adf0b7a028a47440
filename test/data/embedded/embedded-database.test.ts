import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { startEmbeddedServer } from '../../../src/data/embedded/embedded-server.ts';
import { lockFolder } from '../../../src/data/embedded/folder-lock.ts';
import { prepareFolder } from '../../../src/data/embedded/prepare-folder.ts';
import { openDatabase } from '../../../src/data/open-database.ts';
import { embeddedTemplate } from '../../support/embedded-template.ts';
import { testLog } from '../../support/test-log.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tessera-data-'));
});
afterEach(() => rm(folder, { recursive: true }));

const canUnshare = spawnSync('unshare', ['--net', 'true']).status === 0;

/** A process that opens the folder, and stays until it is killed. */
const holdFolder = ([command, ...parameters]: [string, ...string[]]) => {
  const script = fileURLToPath(new URL('./hold-folder.ts', import.meta.url));
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const holder = spawn(command, [...parameters, script, folder], { stdio: [...stdio] });
  onTestFinished(() => void holder.kill('SIGKILL'));
  return holder;
};

// Each opens a database or two of its own: seconds on a busy machine.
describe('the data folder', { timeout: 60_000 }, () => {
  test('belongs to one process at a time, and to the next as soon as that one is killed', async () => {
    const holder = holdFolder([process.execPath]);
    const exited = once(holder, 'exit');
    expect(String((await once(holder.stdout, 'data'))[0])).toBe('open\n');
    await expect(openDatabase({ dataDir: folder, log: testLog })).rejects.toThrow(
      new RegExp(`^The data folder ${folder} is in use by process ${holder.pid} on [^\n]*$`),
    );
    holder.kill('SIGKILL');
    await exited;
    const database = await openDatabase({ dataDir: folder, log: testLog });
    expect(await database.query(`SELECT "subject" FROM "Budget"`)).toEqual([
      { subject: 'survivor' },
    ]);
    await database.close();
  });

  test('is free again after close', async () => {
    const lock = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toThrow(/in use/);
    await lock.release();
    await (await lockFolder(folder)).release();
  });

  test('of a process in another container is refused while that one shows life', async () => {
    const file = path.join(folder, 'owner.json');
    await writeFile(file, JSON.stringify({ pid: 1, host: 'another-container' }));
    const refresh = setInterval(() => utimes(file, new Date(), new Date()), 500);
    await expect(lockFolder(folder)).rejects.toThrow(/process 1 on another-container/);
    clearInterval(refresh);
    const lock = await lockFolder(folder);
    await lock.release();
    await writeFile(file, JSON.stringify({ pid: 1, host: 'another-container' }));
    const minuteAgo = new Date(Date.now() - 60_000);
    await utimes(file, minuteAgo, minuteAgo);
    const startedAt = performance.now();
    await (await lockFolder(folder)).release();
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  test.skipIf(!canUnshare)(
    'belongs to one process over network namespaces too, and is free as soon as that is killed',
    async () => {
      const holder = holdFolder(['unshare', '--net', process.execPath]);
      const exited = once(holder, 'exit');
      expect(String((await once(holder.stdout, 'data'))[0])).toBe('open\n');
      await expect(lockFolder(folder)).rejects.toThrow(`in use by process ${holder.pid}`);
      holder.kill('SIGKILL');
      await exited;
      const startedAt = performance.now();
      await (await lockFolder(folder)).release();
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    },
  );

  test('can be read by its owner only', async () => {
    const dataDir = path.join(folder, 'made');
    const database = await openDatabase({
      dataDir,
      log: testLog,
      loadDataDir: await embeddedTemplate(),
    });
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    await database.close();
  });

  test('whose first start was killed half-way is made anew', async () => {
    await mkdir(path.join(folder, 'postgres'));
    await writeFile(path.join(folder, 'postgres', 'PG_VERSION'), '18\n');
    await expect(openDatabase({ dataDir: folder, log: testLog })).rejects.toThrow(
      new RegExp(`^The embedded database in ${folder}/postgres can't be opened: `),
    );
    // As versions before 0.2 marked it.
    await writeFile(path.join(folder, 'postgres.unfinished'), '');
    const database = await openDatabase({
      dataDir: folder,
      loadDataDir: await embeddedTemplate(),
      log: testLog,
    });
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await database.close();
    expect((await readdir(folder)).sort()).toEqual(['postgres']);
  });

  test('has nothing left of a start that was cut short', async () => {
    await mkdir(path.join(folder, 'postgres.unfinished-x1'));
    const database = await openDatabase({ dataDir: folder, log: testLog });
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await database.close();
    expect((await readdir(folder)).sort()).toEqual(['postgres']);
  });

  test('that is none is refused with its name', async () => {
    const file = path.join(folder, 'file');
    await writeFile(file, '');
    await expect(openDatabase({ dataDir: file, log: testLog })).rejects.toThrow(file);
  });
});

describe('the thread', { timeout: 60_000 }, () => {
  test('leaves the main thread free while a statement runs', async () => {
    const server = await startEmbeddedServer(
      { dataDir: 'memory://', loadDataDir: await embeddedTemplate() },
      testLog,
    );
    const client = new pg.Client({ stream: () => server.connect(), user: 'postgres' });
    await client.connect();
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    await client.query('SELECT sum(sqrt(n)) FROM generate_series(1, 1000000) AS n');
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
    await client.end();
    await server.close();
  });

  test('that dies fails what is in flight and all that follows, and says so', async () => {
    const errors: string[] = [];
    const log = { ...testLog, error: (_: object, message: string) => errors.push(message) };
    const server = await startEmbeddedServer(
      { dataDir: 'memory://', loadDataDir: await embeddedTemplate() },
      log,
    );
    const pool = new pg.Pool({ stream: () => server.connect(), user: 'postgres', max: 1 });
    pool.on('error', () => undefined);
    await pool.query('SELECT 1');
    const inFlight = pool.query('SELECT sum(sqrt(n)) FROM generate_series(1, 100000) AS n');
    const queued = pool.query('SELECT 2');
    const outcome = Promise.allSettled([inFlight, queued]);
    // A start packet that is none: the protocol can't go on after it.
    const intruder = server.connect().on('error', () => undefined);
    intruder.write(Buffer.from([0, 0, 0, 8, 9, 9, 9, 9]));
    for (const result of await outcome) expect(result.status).toBe('rejected');
    await expect(pool.query('SELECT 3')).rejects.toThrow(/embedded database has stopped/);
    await expect(server.dump()).rejects.toThrow(/embedded database has stopped/);
    expect(errors).toEqual(['the embedded database has stopped']);
    await pool.end();
    await server.close();
  });

  test('of a folder is followed by another one, which has everything that was acknowledged', async () => {
    const dataDir = await prepareFolder(folder, await embeddedTemplate());
    const server = await startEmbeddedServer({ dataDir, durability: 'power' }, testLog);
    const pool = new pg.Pool({ stream: () => server.connect(), user: 'postgres', max: 1 });
    pool.on('error', () => undefined);
    await pool.query('CREATE TABLE "Kept" AS SELECT 1 AS value');
    const intruder = server.connect().on('error', () => undefined);
    const died = new Promise((resolve) => intruder.once('close', resolve));
    intruder.write(Buffer.from([0, 0, 0, 8, 9, 9, 9, 9]));
    await died;
    expect((await pool.query('SELECT * FROM "Kept"')).rows).toEqual([{ value: 1 }]);
    await pool.end();
    await server.close();
  });
});
