import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/data/database.ts';
import { openTestDatabase } from '../support/test-database.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

test('a signal reaches every listener of its topic on this server, once', async () => {
  const heard: string[] = [];
  const stop = database.signals.subscribe('run', (key) => heard.push(`first ${key}`));
  database.signals.subscribe('run', (key) => heard.push(`second ${key}`));
  database.signals.subscribe('cancel', (key) => heard.push(`other ${key}`));
  await database.signals.publish('run', 'a');
  stop();
  await database.signals.publish('run', 'b');
  await database.signals.publish('cancel', 'c');
  expect(heard).toEqual(['first a', 'second a', 'second b', 'other c']);
});

test('a listener that throws disturbs neither the others nor the publisher', async () => {
  const heard: string[] = [];
  database.signals.subscribe('alert', () => {
    throw new Error('no');
  });
  database.signals.subscribe('alert', (key) => heard.push(key));
  await database.signals.publish('alert', 'x');
  expect(heard).toEqual(['x']);
});
