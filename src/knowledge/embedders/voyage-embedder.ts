import type { Embedder } from '../../kernel/embedder.ts';
import { createHttpEmbedder } from './http-embedder.ts';

export interface VoyageEmbedderOptions {
  apiKey: string;
  /** Default "voyage-3.5". */
  model?: string;
  /** One of those the model can shorten its vectors to. Default 1,024. */
  dimensions?: number;
  /** Default https://api.voyageai.com/v1 */
  baseUrl?: string;
  /** See `HttpEmbedderOptions`. */
  retryDelayMs?: number;
}

/** Voyage AI's embeddings, with their own modes for questions and documents. Named "voyage-3.5:1024". */
export function createVoyageEmbedder(options: VoyageEmbedderOptions): Embedder {
  const { model = 'voyage-3.5', dimensions = 1_024 } = options;
  const { apiKey, baseUrl = 'https://api.voyageai.com/v1', retryDelayMs } = options;
  return createHttpEmbedder({
    name: `${model}:${dimensions}`,
    dimensions,
    weight: 0.5,
    service: 'Voyage',
    url: `${baseUrl.replace(/\/+$/, '')}/embeddings`,
    headers: { authorization: `Bearer ${apiKey}` },
    body: (input, purpose) => ({ input, model, input_type: purpose, output_dimension: dimensions }),
    // The smallest limit of its models is 120,000 tokens a request; two characters a token is the worst of prose.
    batch: { texts: 128, characters: 240_000 },
    ...(retryDelayMs === undefined ? {} : { retryDelayMs }),
  });
}
