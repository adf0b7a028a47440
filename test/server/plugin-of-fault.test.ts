import { expect, test } from 'vitest';
import { runAsPlugin } from '../../src/kernel/registry/plugin-context.ts';
import { ownerOfFault } from '../../src/server/plugin-of-fault.ts';

const plugin = (name: string, source: string) => ({
  name,
  source,
  version: '1',
  description: null,
  parts: {},
});
const plugins = [
  plugin('one', '/srv/app/one/plugin.ts'),
  plugin('two', '/srv/app/two/plugin.ts'),
  plugin('near', '/srv/app/two/other.ts'),
];
const own = new URL('../../src/server/start-server.ts', import.meta.url).href;

function fault(...frames: string[]): Error {
  const error = new Error('stray');
  error.stack = ['Error: stray', ...frames.map((frame) => `    at ${frame}`)].join('\n');
  return error;
}

test.each([
  ['its own file', fault('run (file:///srv/app/one/plugin.ts?17:3:4)'), { plugin: 'one' }],
  ['a file beside it', fault('async file:///srv/app/one/lib/x.ts:3:4'), { plugin: 'one' }],
  ['a file beside two', fault('run (file:///srv/app/two/lib.ts:3:4)'), { plugin: null }],
  [
    "a library's, called by it",
    fault('a (/srv/node_modules/x/i.js:1:1)', 'b (/srv/app/one/plugin.ts:1:1)'),
    { plugin: 'one' },
  ],
  ['a file of nobody', fault('run (file:///home/me/x.ts:1:1)'), { plugin: null }],
  ["the server's", fault(`start (${own}:1:1)`, 'node:internal/timers:1:1'), 'server'],
  ['a library alone', fault('a (/srv/node_modules/pg/i.js:1:1)'), 'server'],
  ['text', 'stray', 'server'],
])('the owner of a fault in %s', (_name, error, owner) => {
  expect(ownerOfFault(error, plugins)).toEqual(owner);
});

test('the owner of a fault without a stack is the plugin that runs', () => {
  expect(runAsPlugin('two', () => ownerOfFault('stray', plugins))).toEqual({ plugin: 'two' });
});
