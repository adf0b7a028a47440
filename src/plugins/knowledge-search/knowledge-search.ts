import { z } from 'zod';
import type { KnowledgeSearch } from '../../kernel/knowledge-search.ts';
import { definePlugin } from '../../kernel/plugin.ts';
import { defineTool } from '../../kernel/tool.ts';

const searchTool = (knowledge: KnowledgeSearch) =>
  defineTool({
    name: 'search_knowledge',
    description:
      'Searches the documents that the user may read and gives the passages that fit a query best. Use it for every question that they may answer, with the words they would use; search again with other words when nothing fits. Without a collection it searches all of them, and gives the best passage of each, then the second ones, and so on: scores compare within one collection only.',
    input: z.object({
      query: z.string().min(1).max(2_000).describe('What to look for, in plain words.'),
      collection: z
        .string()
        .min(1)
        .optional()
        .describe('Which collection to search; all when left out.'),
      topK: z.int().min(1).max(20).default(6).describe('The most passages to give.'),
    }),
    output: z.object({
      found: z.int(),
      passages: z.array(
        z.object({ source: z.string(), title: z.string().nullable(), score: z.number() }),
      ),
    }),
    idempotent: true,
    retries: 1,
    async run({ query, collection, topK }, { cite, signal, ...context }) {
      const { runId, userId, groups, roles, scopes, requestId, apiKeyId } = context;
      const hits = await knowledge.search({
        query,
        topK,
        signal,
        context: { runId, userId, groups, roles, scopes, requestId, apiKeyId },
        ...(collection === undefined ? { everywhere: true } : { collection }),
      });
      // The model reads the passages as what it may cite; the output is for whoever reads the run.
      cite(hits);
      const passages = hits.map(({ source, title, score }) => ({ source, title, score }));
      return { found: hits.length, passages };
    },
  });

export const knowledgeSearch = definePlugin({
  name: 'knowledge-search',
  version: '1.0.0',
  description: 'Lets agents search the documents.',
  setup: (_options, { knowledge }) => ({ tools: [searchTool(knowledge)] }),
});
