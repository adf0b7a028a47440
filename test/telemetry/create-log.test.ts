import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createLog } from '../../src/telemetry/create-log.ts';

function capture(options: { level?: 'info' | 'debug'; pretty?: boolean } = {}) {
  const lines: string[] = [];
  const destination = new PassThrough({ encoding: 'utf8' });
  destination.on('data', (line: string) => lines.push(line));
  const log = createLog({
    level: options.level ?? 'info',
    pretty: options.pretty ?? false,
    destination,
  });
  return { log, lines, destination, entry: () => JSON.parse(lines.at(-1) ?? '{}') };
}

test('writes one JSON object for each entry, with time, level and the fields of its parents', () => {
  const { log, lines, entry } = capture();
  log.child({ requestId: 'r1' }).info({ durationMs: 3 }, 'request');
  log.debug({}, 'not at this level');
  expect(lines).toHaveLength(1);
  expect(entry()).toMatchObject({ level: 'info', requestId: 'r1', durationMs: 3, msg: 'request' });
  expect(Date.parse(entry().time)).toBeGreaterThan(0);
});

test('blanks secrets and prompt text that slip in', () => {
  const { log, lines } = capture();
  const secret = 'tsr_very-secret';
  log.info({ authorization: `Bearer ${secret}`, request: { headers: { cookie: secret } } }, 'a');
  log.info({ secret, body: { input: secret, variables: { x: secret } }, text: secret }, 'b');
  expect(lines.join('')).not.toContain(secret);
  expect(lines.join('')).toContain('[redacted]');
});

test('describes an error by name, message, code, stack and cause, and leaves its other properties out', () => {
  const { log, entry } = capture();
  const cause = Object.assign(new TypeError('inner'), { code: '40001' });
  const error = Object.assign(new Error('outer', { cause }), { request: { body: 'the prompt' } });
  log.error({ err: error }, 'failed');
  expect(entry().err).toMatchObject({
    type: 'Error',
    message: 'outer',
    stack: expect.stringContaining('create-log.test.ts'),
    cause: { type: 'TypeError', message: 'inner', code: '40001' },
  });
  expect(JSON.stringify(entry())).not.toContain('the prompt');
});

test('writes a readable line on a terminal', async () => {
  const { log, lines, destination } = capture({ pretty: true });
  const written = once(destination, 'data');
  log.info({ durationMs: 3 }, 'request');
  await written;
  expect(lines.join('')).toMatch(/\d\d:\d\d:\d\d.*request/);
  expect(lines.join('')).not.toContain('"msg"');
});
