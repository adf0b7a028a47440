import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Embedder, EmbeddingPurpose } from '../../kernel/embedder.ts';
import { DomainError } from '../../kernel/errors.ts';

export interface HttpEmbedderOptions {
  name: string;
  dimensions: number;
  weight: number;
  /** What people call the service, for messages: "Voyage". */
  service: string;
  url: string;
  headers: Record<string, string>;
  /** The request for one batch of texts, none of them empty. */
  body(texts: readonly string[], purpose: EmbeddingPurpose): object;
  /** Most texts and most characters (UTF-16 code units) of one request. */
  batch: { texts: number; characters: number };
  /** Per request. Default 60,000. */
  timeoutMs?: number;
  /** Before the first retry, doubled for each further one. Default 500. */
  retryDelayMs?: number;
}

const attempts = 4;
const maxRetryDelayMs = 30_000;
const requestsAtOnce = 3;

const answerSchema = z.object({
  data: z.array(z.object({ index: z.number().int(), embedding: z.array(z.number()) })),
  usage: z
    .object({ total_tokens: z.number().optional(), prompt_tokens: z.number().optional() })
    .optional(),
});

/**
 * An embedder behind the HTTP interface that OpenAI began and Voyage, Ollama, vLLM and TEI share. Texts go in batches, a
 * few at once; rate limits (their `retry-after` obeyed, up to 30 s), 5xx and broken connections are tried again.
 */
export function createHttpEmbedder(options: HttpEmbedderOptions): Embedder {
  return {
    name: options.name,
    dimensions: options.dimensions,
    weight: options.weight,
    async embed(texts, { purpose, signal, onBilled }) {
      signal?.throwIfAborted();
      const vectors: number[][] = texts.map(() => new Array<number>(options.dimensions).fill(0));
      // Services refuse an empty text; by contract its vector is zero.
      const full = texts.flatMap((text, at) => (text.trim() === '' ? [] : [{ text, at }]));
      const batches = cutBatches(full, options.batch);
      let billedTokens = 0;
      const work = async (): Promise<void> => {
        for (let batch = batches.shift(); batch; batch = batches.shift()) {
          const body = options.body(
            batch.map(({ text }) => text),
            purpose,
          );
          const answer = await requestWithRetries(options, body, signal);
          const tokens = answer.usage?.total_tokens ?? answer.usage?.prompt_tokens ?? 0;
          billedTokens += tokens;
          if (tokens > 0) onBilled?.(tokens);
          const embedded = vectorsOf(answer, batch.length, options);
          batch.forEach(({ at }, index) => {
            vectors[at] = embedded[index]!;
          });
        }
      };
      const workOrStop = (): Promise<void> =>
        work().catch((error: unknown) => {
          batches.length = 0;
          throw error;
        });
      // What is under way when one fails is billed all the same: it is waited for, and told.
      const ends = await Promise.allSettled(Array.from({ length: requestsAtOnce }, workOrStop));
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
      return { vectors, billedTokens };
    },
  };
}

interface Item {
  text: string;
  at: number;
}

function cutBatches(items: Item[], most: HttpEmbedderOptions['batch']): Item[][] {
  const batches: Item[][] = [];
  let characters = 0;
  for (const item of items) {
    const batch = batches.at(-1);
    if (batch && batch.length < most.texts && characters + item.text.length <= most.characters) {
      batch.push(item);
      characters += item.text.length;
    } else {
      batches.push([item]);
      characters = item.text.length;
    }
  }
  return batches;
}

/** In the order of the request, each made length 1: whoever compares them may then use the dot product. */
function vectorsOf(
  answer: z.output<typeof answerSchema>,
  expected: number,
  { dimensions, service, name }: HttpEmbedderOptions,
): number[][] {
  const inOrder = [...answer.data].sort((a, b) => a.index - b.index);
  const lengths = new Set(inOrder.map(({ embedding }) => embedding.length));
  if (inOrder.length !== expected || lengths.size !== 1 || !lengths.has(dimensions)) {
    const got = `${inOrder.length} vectors of ${[...lengths].join(' or ')} numbers`;
    throw unavailable(
      `${service} answered ${name} with ${got} instead of ${expected} of ${dimensions}; set the model's own dimensions.`,
      { retryable: false },
    );
  }
  return inOrder.map(({ embedding }) => {
    const length = Math.hypot(...embedding);
    return length === 0 ? embedding : embedding.map((value) => value / length);
  });
}

interface Refusal {
  error: DomainError;
  /** Null: trying again is of no use. */
  retryAfterMs: number | null;
}

async function requestWithRetries(
  options: HttpEmbedderOptions,
  body: object,
  signal: AbortSignal | undefined,
): Promise<z.output<typeof answerSchema>> {
  for (let attempt = 1; ; attempt++) {
    const result = await request(options, body, signal);
    if (!('error' in result)) return result;
    signal?.throwIfAborted();
    if (result.retryAfterMs === null || attempt >= attempts) throw result.error;
    const backoff = (options.retryDelayMs ?? 500) * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
    const wait = Math.min(maxRetryDelayMs, Math.max(backoff, result.retryAfterMs));
    await delay(wait, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
  }
}

async function request(
  { url, headers, service, timeoutMs = 60_000 }: HttpEmbedderOptions,
  body: object,
  signal: AbortSignal | undefined,
): Promise<z.output<typeof answerSchema> | Refusal> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    if (!response.ok) {
      await response.body?.cancel();
      return refusalOf(response, service);
    }
    const answer = answerSchema.safeParse(await response.json());
    if (answer.success) return answer.data;
    return {
      error: unavailable(`${service} answered with something else than embeddings.`),
      retryAfterMs: null,
    };
  } catch (cause) {
    const what = timeout.aborted ? `did not answer within ${timeoutMs} ms` : 'can not be reached';
    return { error: unavailable(`${service} ${what}.`, { cause }), retryAfterMs: 0 };
  }
}

function refusalOf({ status, headers }: Response, service: string): Refusal {
  if (status === 429 || status === 408 || status >= 500) {
    const seconds = Number(headers.get('retry-after') ?? 0);
    const what = status === 429 ? 'limits our rate' : `answered ${status}`;
    const retryAfterMs = Number.isFinite(seconds) ? seconds * 1_000 : 0;
    return { error: unavailable(`${service} ${what}; try again later.`), retryAfterMs };
  }
  const hint =
    status === 401 || status === 403
      ? 'check its key'
      : 'check the model, the dimensions and the texts';
  const error = unavailable(`${service} refused to embed (${status}); ${hint}.`, {
    retryable: false,
  });
  return { error, retryAfterMs: null };
}

const unavailable = (
  message: string,
  options: { retryable?: boolean; cause?: unknown } = {},
): DomainError => new DomainError('EMBEDDING_UNAVAILABLE', message, options);
