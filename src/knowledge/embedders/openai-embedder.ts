import type { Embedder } from '../../kernel/embedder.ts';
import { createHttpEmbedder } from './http-embedder.ts';

export interface OpenAIEmbedderOptions {
  /** Default https://api.openai.com/v1; Ollama: http://localhost:11434/v1 */
  baseUrl?: string;
  /** Left out where the server asks for none. */
  apiKey?: string | null;
  /** Default "text-embedding-3-small". */
  model?: string;
  /** Those of the model's vectors, 1,536 by default. The text-embedding-3 models shorten theirs when asked for fewer. */
  dimensions?: number;
  /** What a model wants before each text ("search_query: " and "search_document: " for nomic-embed-text). */
  prefixes?: { query: string; document: string };
  /** See `HttpEmbedderOptions`. */
  retryDelayMs?: number;
}

/** The embeddings interface of OpenAI, which Ollama, vLLM, TEI and LM Studio speak too. Named "text-embedding-3-small:1536". */
export function createOpenAIEmbedder(options: OpenAIEmbedderOptions): Embedder {
  const { model = 'text-embedding-3-small', dimensions = 1_536, apiKey, prefixes } = options;
  const { baseUrl = 'https://api.openai.com/v1', retryDelayMs } = options;
  const shortened = model.startsWith('text-embedding-3') ? { dimensions } : {};
  return createHttpEmbedder({
    name: `${model}:${dimensions}`,
    dimensions,
    weight: 0.5,
    service: new URL(baseUrl).hostname === 'api.openai.com' ? 'OpenAI' : 'The embedding server',
    url: `${baseUrl.replace(/\/+$/, '')}/embeddings`,
    headers: apiKey ? { authorization: `Bearer ${apiKey}` } : {},
    body: (texts, purpose) => ({
      model,
      input: prefixes ? texts.map((text) => prefixes[purpose] + text) : texts,
      encoding_format: 'float',
      ...shortened,
    }),
    // OpenAI takes 300,000 tokens a request; small servers take 32 texts unless told otherwise.
    batch: { texts: 32, characters: 200_000 },
    ...(retryDelayMs === undefined ? {} : { retryDelayMs }),
  });
}
