import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import type { Ledger } from '../../../src/ledger/ledger.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import {
  clearLedger,
  eventually,
  openLedger,
  outcome,
  request,
} from '../support/ledger-fixture.ts';

const secret = 'a secret of the receiver';
let database: Database;
let server: Server;
let url: string;
/** What the receiver answers next; 204 when there is nothing left. */
let answers: number[] = [];
let received: { headers: IncomingHttpHeaders; body: string }[] = [];

beforeAll(async () => {
  database = await openTestDatabase();
  server = createServer((message, response) => {
    let body = '';
    message.on('data', (chunk) => {
      body += chunk;
    });
    message.on('end', () => {
      received.push({ headers: message.headers, body });
      response.writeHead(answers.shift() ?? 204, { location: '/elsewhere' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`;
});
afterAll(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
  await database?.close();
});
beforeEach(() => clearLedger(database));
afterEach(() => {
  answers = [];
  received = [];
});

const open = (): Ledger & AsyncDisposable =>
  openLedger(database, {
    highCostThreshold: '0.0001',
    webhook: { url, secret, initialBackoffMs: 5 },
  });
async function raiseAlert(ledger: Ledger): Promise<void> {
  const hold = await ledger.hold(request());
  await ledger.settle(hold, outcome({ outputTokens: 100 }));
}
const undelivered = async (): Promise<number> => {
  const [row] = await database.query<{ count: number }>(
    'SELECT count(*)::int AS "count" FROM "Alert" WHERE "deliveredAt" IS NULL',
  );
  return row!.count;
};

test('an alert is posted with a signature over time and body', async () => {
  await using ledger = open();
  await raiseAlert(ledger);
  await eventually(async () => received.length > 0 && (await undelivered()) === 0);
  const { headers, body } = received[0]!;
  const { edges } = await ledger.alerts({});
  expect(JSON.parse(body)).toEqual({
    type: 'alert',
    alert: JSON.parse(JSON.stringify(edges[0]!.node)),
  });
  expect(headers['tessera-alert-id']).toBe(edges[0]!.node.id);
  const [, seconds, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(
    String(headers['tessera-signature']),
  )!;
  expect(signature).toBe(createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex'));
});

test('what is not taken is posted again, under the same id, until it is; a redirect does not take it', async () => {
  answers = [500, 302, 429];
  await using ledger = open();
  await raiseAlert(ledger);
  await eventually(async () => received.length > 0 && (await undelivered()) === 0);
  expect(received).toHaveLength(4);
  expect(new Set(received.map(({ headers }) => headers['tessera-alert-id'])).size).toBe(1);
});

test('several servers post each alert once', async () => {
  await using one = open();
  await using other = open();
  await Promise.all(Array.from({ length: 12 }, (_, index) => raiseAlert(index % 2 ? one : other)));
  await eventually(async () => received.length > 0 && (await undelivered()) === 0);
  expect(received).toHaveLength(12);
  expect(new Set(received.map(({ headers }) => headers['tessera-alert-id'])).size).toBe(12);
});

test('what a server left undelivered, the next one that starts delivers', async () => {
  const without = openLedger(database, { highCostThreshold: '0.0001' });
  await raiseAlert(without);
  await without.close();
  expect(await undelivered()).toBe(1);
  await using _next = open();
  await eventually(async () => received.length > 0 && (await undelivered()) === 0);
  expect(received).toHaveLength(1);
});

test('closing does not wait for a receiver that fails', async () => {
  answers = Array.from({ length: 50 }, () => 503);
  const ledger = open();
  await raiseAlert(ledger);
  await eventually(() => received.length > 0);
  await ledger.close();
  expect(await undelivered()).toBe(1);
});
