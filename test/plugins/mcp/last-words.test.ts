import { expect, test } from 'vitest';
import { lastWords } from '../../../src/plugins/mcp/last-words.ts';

test.each([
  [
    'Node, a module that is not there',
    `node:internal/modules/cjs/loader:1228
  throw err;
  ^

Error: Cannot find module '/srv/server.js'
    at Module._resolveFilename (node:internal/modules/cjs/loader:1225:15)
    at node:internal/main/run_main_module:36:49 {
  code: 'MODULE_NOT_FOUND',
  requireStack: []
}

Node.js v20.20.2`,
    "Error: Cannot find module '/srv/server.js'",
  ],
  [
    'Node, an error with fields and a cause',
    `file:///srv/server.js:3
throw new Error('no token', { cause: 1 });
      ^

Error: no token
    at file:///srv/server.js:3:7 {
  [cause]: { status: 401, path: '/me' }
}
`,
    'Error: no token',
  ],
  [
    'Python',
    `Traceback (most recent call last):
  File "/srv/server.py", line 1, in <module>
    import nothing
ModuleNotFoundError: No module named 'nothing'`,
    "ModuleNotFoundError: No module named 'nothing'",
  ],
  [
    'Go',
    `panic: runtime error: index out of range [3]

goroutine 1 [running]:
main.main()
	/srv/main.go:7 +0x1d
exit status 2`,
    'panic: runtime error: index out of range [3]',
  ],
  [
    'npx',
    `npm error code E404
npm error 404 Not Found - GET https://registry.example/no-such-server
npm error A complete log of this run can be found in: /root/.npm/_logs/1.log`,
    'npm error 404 Not Found - GET https://registry.example/no-such-server',
  ],
  [
    'a program that says what it wants',
    'starting\nset SMALL_TOKEN first\n',
    'set SMALL_TOKEN first',
  ],
  ['nothing but brackets', '{\n}\n', ''],
])('the last words of %s say why it ended', (_name, stderr, words) => {
  expect(lastWords(stderr.split('\n'))).toBe(words);
});
