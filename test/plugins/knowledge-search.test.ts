import { expect, test } from 'vitest';
import type { SearchRequest } from '../../src/kernel/knowledge-search.ts';
import type { SearchHit } from '../../src/kernel/run.ts';
import { knowledgeSearch } from '../../src/plugins/knowledge-search/knowledge-search.ts';
import { callTool } from '../../src/testing.ts';

const hit: SearchHit = {
  chunkId: 'c',
  documentId: 'd',
  source: 'tea.md',
  title: 'Tea',
  content: 'From Assam.',
  score: 0.8,
  metadata: {},
  headingPath: [],
  startOffset: 0,
  endOffset: 11,
};

test('search_knowledge asks the knowledge room and offers what it finds for citation', async () => {
  const requests: SearchRequest[] = [];
  const knowledge = {
    search: async (request: SearchRequest) => {
      requests.push(request);
      return [hit];
    },
  };
  const input = { query: 'tea', collection: 'drinks' };
  const call = { tool: 'search_knowledge', input };
  const { output, cited } = await callTool(knowledgeSearch(), call, { services: { knowledge } });
  expect(output).toEqual({
    found: 1,
    passages: [{ source: 'tea.md', title: 'Tea', score: 0.8 }],
  });
  expect(cited).toEqual([hit]);
  const context = {
    runId: expect.any(String),
    userId: expect.any(String),
    groups: [],
    roles: ['USER'],
    scopes: undefined,
    requestId: expect.any(String),
    apiKeyId: null,
  };
  const signal = expect.any(AbortSignal);
  expect(requests).toEqual([{ ...input, topK: 6, signal, context }]);
});

test('search_knowledge says when there is nothing', async () => {
  const call = { tool: 'search_knowledge', input: { query: 'tea', topK: 3 } };
  expect(await callTool(knowledgeSearch(), call)).toEqual({
    output: { found: 0, passages: [] },
    cited: [],
  });
});
