import { parse } from 'graphql';
import { expect, test } from 'vitest';
import { createDocumentCache } from '../../src/transport/graphql/document-cache.ts';

const fill = (documentOf: (at: number) => string): number => {
  const { documentCache } = createDocumentCache();
  for (let at = 0; at < 1_000; at += 1) documentCache.set(documentOf(at), parse(documentOf(at)));
  return documentCache.size;
};

test('documents are kept by the memory that they hold, not by the length of their text', () => {
  // 32 MiB: of 1,000 tokens each, 500 bytes a token; the longer text of few tokens weighs less.
  expect(fill((at) => `{ ${'a '.repeat(1_000)}x${at} }`)).toBeLessThan(70);
  expect(fill((at) => `{ a }${'\n#'.repeat(1_000)}${at}`)).toBeLessThan(70);
  expect(fill((at) => `{ a(b: "${'x'.repeat(5_000)}${at}") }`)).toBe(1_000);
});
