import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSnakeCase } from '../../../src/kernel/registry/names.ts';
import { nameTools, snakeCase } from '../../../src/plugins/mcp/tool-names.ts';

test.each([
  ['readFile', 'read_file'],
  ['read-file', 'read_file'],
  ['files/read.v2', 'files_read_v2'],
  ['getHTTPStatus', 'get_http_status'],
  ['__private__', 'private'],
  ['3d_print', 'tool_3d_print'],
])('%s becomes %s', (name, expected) => {
  expect(snakeCase(name)).toBe(expected);
});

test('whatever a server calls its tool, the name is one of ours', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (name) => {
      const named = snakeCase(name);
      expect(isSnakeCase(named)).toBe(true);
    }),
  );
});

const server = (name: string, tools: string[], prefix = false) => ({ server: name, prefix, tools });
const namesOf = (...servers: Parameters<typeof nameTools>[0]) =>
  nameTools(servers).map(({ name }) => name);

test('tools keep their names, unless another server has one of that name', () => {
  const names = namesOf(server('git-hub', ['search', 'star']), server('wiki', ['search', 'edit']));
  expect(names).toEqual(['git_hub_search', 'star', 'wiki_search', 'edit']);
});

test('a server may have all of its tools prefixed', () => {
  expect(namesOf(server('wiki', ['search', 'edit'], true))).toEqual(['wiki_search', 'wiki_edit']);
});

test('two tools of one server with the same name are a problem that names both', () => {
  expect(() => nameTools([server('wiki', ['readPage', 'read_page'])])).toThrow(
    'MCP servers "wiki" and "wiki": their tools "readPage" and "read_page" would both be named "read_page"; leave one out by "tools"',
  );
});
