import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/data/database.ts';
import { startTestTransport, type TestTransport } from '../support/start-test-transport.ts';
import { openTestDatabase } from '../support/test-database.ts';

let database: Database;
let server: TestTransport;

beforeAll(async () => {
  database = await openTestDatabase();
  server = await startTestTransport({ database, bodyLimitBytes: 250_000 });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database.close();
});

const nested = (depth: number, open: string, middle: string, close: string) =>
  open.repeat(depth) + middle + close.repeat(depth);
const fragments = (count: number) =>
  [
    ...Array.from(
      { length: count },
      (_, at) => `fragment f${at} on Query { self { ...f${at + 1} } self { ...f${at + 1} } }`,
    ),
    `fragment f${count} on Query { hello }`,
  ].join(' ');

const tooExpensive: [string, string][] = [
  ['10,000 levels', nested(10_000, '{ self ', '{ hello }', '}')],
  ['30 levels', nested(30, '{ self ', '{ hello }', '}')],
  ['levels hidden in fragments', `{ ...f0 } ${fragments(40)}`],
  ['1,000 aliases', `{ ${Array.from({ length: 1000 }, (_, at) => `a${at}: hello`).join(' ')} }`],
  ['60 aliases', `{ ${Array.from({ length: 60 }, (_, at) => `a${at}: hello`).join(' ')} }`],
  [
    'aliases of __typename',
    `{ ${Array.from({ length: 60 }, (_, at) => `a${at}: __typename`).join(' ')} }`,
  ],
  ['10,000 fields', `{ ${'hello '.repeat(10_000)} }`],
  ['a list nested 10,000 deep', `{ deep(value: ${nested(10_000, '[', '1', ']')}) }`],
  ['4,000 directives', `{ hello ${'@skip(if: false) '.repeat(4_000)} }`],
  ['2,000 comments', `{ hello }${'\n#'.repeat(2_000)}`],
  ['comments between tokens', `{ ${'hello #\n'.repeat(800)} }`],
  ['95,000 characters of comments', `{ hello }${'\n#'.repeat(47_000)}`],
  ['one comment that is too long', `{ hello } #${'x'.repeat(100_000)}`],
  ['one string that is too long', `{ hello(name: "${'x'.repeat(100_000)}") }`],
  ['a comment and 20,000 tokens', `# ${'x'.repeat(50_000)}\n{ ${'hello '.repeat(8_000)} }`],
];

const refusedVariables: [string, string][] = [
  ['100 deep', nested(100, '[', '1', ']')],
  ['40,000 deep', nested(40_000, '[', '1', ']')],
  ['10,000 objects deep', nested(10_000, '{"a":', '1', '}')],
];

async function ask(body: string, to = server) {
  const startedAt = performance.now();
  const response = await fetch(to.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer admin' },
    body,
  });
  const answer = (await response.json()) as {
    data?: unknown;
    errors?: { extensions: Record<string, unknown> }[];
  };
  const code = answer.errors?.[0]?.extensions['code'];
  return { status: response.status, code, answer, ms: performance.now() - startedAt };
}

describe('a document', () => {
  test.each(tooExpensive)('of %s is refused with 400 before it is executed', async (_, query) => {
    const { status, code, answer, ms } = await ask(JSON.stringify({ query }));
    expect(code).toBe('OPERATION_TOO_EXPENSIVE');
    expect(status).toBe(400);
    expect(answer).not.toHaveProperty('data');
    // The gap was a freeze of 2 to 4 s.
    expect(ms).toBeLessThan(1_500);
  });

  test('as large as is allowed does not hold the server up', async () => {
    for (const query of [
      `{ ${'hello '.repeat(1_400)} }`,
      `{ hello }${'\n#'.repeat(1_400)}`,
      `{ hello(name: "${'x'.repeat(99_000)}") }`,
      `{ ${'...f '.repeat(600)} } fragment f on Query { hello }`,
      `{ ${Array.from({ length: 300 }, (_, at) => `hello(name: "${at}")`).join(' ')} }`,
      `{ ...f0 } ${fragments(15)}`,
    ]) {
      expect((await ask(JSON.stringify({ query }))).ms).toBeLessThan(1_500);
    }
  });

  test('of an honest size is answered', async () => {
    const query = nested(12, '{ self ', '{ hello }', '}');
    expect((await ask(JSON.stringify({ query }))).answer).not.toHaveProperty('errors');
  });
});

describe('an input', () => {
  test.each(refusedVariables)('%s is refused with 400', async (_, value) => {
    const query = 'query($v: Json) { deep(value: $v) }';
    const body = `{"query": ${JSON.stringify(query)}, "variables": {"v": ${value}}}`;
    const { status, code } = await ask(body);
    expect([status, code]).toEqual([400, 'BAD_USER_INPUT']);
  });

  test('50 deep is taken', async () => {
    const query = 'query($v: Json) { deep(value: $v) }';
    const value = nested(50, '[', '1', ']');
    const { answer } = await ask(
      `{"query": ${JSON.stringify(query)}, "variables": {"v": ${value}}}`,
    );
    expect(answer).toEqual({ data: { deep: value } });
  });
});

const head =
  'POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer admin\r\ncontent-type: application/json\r\n';

describe('a body', () => {
  test('that is too long is refused with 413, declared or not', async () => {
    const body = JSON.stringify({ query: '{ hello }', variables: { x: 'y'.repeat(300_000) } });
    const declared = await ask(body);
    expect([declared.status, declared.code]).toEqual([413, 'BAD_USER_INPUT']);
    const chunked = await fetch(server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer admin' },
      body: new Blob([body]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(chunked.status).toBe(413);
  });

  test('that is not UTF-8 is refused: nothing is stored that its client never wrote', async () => {
    const answer = await fetch(server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer admin' },
      body: Buffer.from('{ "query": "{ hello } # caf\xe9" }', 'latin1'),
    });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('not valid UTF-8');
  });

  test('that is cut short is answered, and nothing happens', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`${head}content-length: 100\r\n\r\n{`);
    socket.end();
    expect(await text(socket)).toMatch(/^HTTP\/1.1 400/);
  });
});

describe('a request that trickles in', () => {
  test.each([
    ['headers', head],
    ['a body', `${head}content-length: 100\r\n\r\n{`],
  ])('is cut off in its %s', async (_, beginning) => {
    const arrival = { headersMs: 200, requestMs: 400, lookMs: 50 };
    await using server = await startTestTransport({ database, arrival });
    const socket = connect(server.port, '127.0.0.1');
    socket.write(beginning);
    expect(await text(socket)).toMatch(/^HTTP\/1.1 408/);
  });
});

const upgradeOf = (target: string) =>
  `GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
  'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n';

describe('an upgrade', () => {
  test.each(['//', 'http://[', '*', '/elsewhere'])(
    'to %s is answered 404, and closed',
    async (target) => {
      const socket = connect(server.port, '127.0.0.1');
      socket.write(upgradeOf(target));
      expect(await text(socket)).toMatch(/^HTTP\/1.1 404/);
    },
  );

  test('to another path, by a client that resets the connection, does no harm', async () => {
    const failures: unknown[] = [];
    const note = (error: unknown) => failures.push(error);
    process.on('uncaughtExceptionMonitor', note);
    for (let round = 0; round < 5; round += 1) {
      const socket = connect(server.port, '127.0.0.1');
      socket.write(upgradeOf('/elsewhere'), () => socket.resetAndDestroy());
      await once(socket, 'close');
      expect((await ask(JSON.stringify({ query: '{ hello }' }))).status).toBe(200);
    }
    process.off('uncaughtExceptionMonitor', note);
    expect(failures).toEqual([]);
  });
});
