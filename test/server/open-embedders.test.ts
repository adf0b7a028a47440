import { expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import type { Registry } from '../../src/kernel/registry/registry.ts';
import { openEmbedders } from '../../src/server/open-embedders.ts';

const registry = { embedders: new Map() } as unknown as Registry;
const open = (environment: Record<string, string>) =>
  openEmbedders(readConfig(environment), registry);

test.each([
  [{}, 'hash-512', []],
  [
    { TESSERA_EMBEDDER: 'voyage/voyage-3.5:512', VOYAGE_API_KEY: 'k' },
    'voyage-3.5:512',
    ['voyage-3.5:512'],
  ],
  [
    {
      TESSERA_EMBEDDER: 'openai/nomic-embed-text:768',
      OPENAI_BASE_URL: 'http://localhost:11434/v1',
    },
    'nomic-embed-text:768',
    ['nomic-embed-text:768'],
  ],
])('%o', (environment, defaultEmbedder, names) => {
  const opened = open(environment);
  expect(opened.defaultEmbedder).toBe(defaultEmbedder);
  expect(opened.embedders.map(({ name }) => name)).toEqual(names);
});

test.each([
  [{ TESSERA_EMBEDDER: 'voyage/voyage-3.5' }, 'VOYAGE_API_KEY'],
  [{ TESSERA_EMBEDDER: 'openai/any' }, 'OPENAI_API_KEY'],
  [{ TESSERA_EMBEDDER: 'nothing' }, 'there are hash-512'],
])('%o stops the start', (environment, message) => {
  expect(() => open(environment)).toThrow(message);
});

test('the first is that of new collections, the others are there for those that have them', () => {
  const opened = open({
    TESSERA_EMBEDDER: 'openai/a:8, hash-512, openai/b:16',
    OPENAI_BASE_URL: 'http://localhost:11434/v1',
  });
  expect(opened.defaultEmbedder).toBe('a:8');
  expect(opened.embedders.map(({ name }) => name)).toEqual(['a:8', 'b:16']);
});
