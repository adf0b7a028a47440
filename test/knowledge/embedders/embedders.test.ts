import {
  createServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHashEmbedder } from '../../../src/knowledge/embedders/hash-embedder.ts';
import { createOpenAIEmbedder } from '../../../src/knowledge/embedders/openai-embedder.ts';
import { createVoyageEmbedder } from '../../../src/knowledge/embedders/voyage-embedder.ts';
import { describeEmbedder } from './embedder-contract.ts';

interface Seen {
  path: string;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown> & { input: string[] };
}

/** Stands in for both services: answers with the built-in embedder's vectors, unnormalised and out of order. */
const inner = createHashEmbedder();
let server: Server;
let baseUrl = '';
let seen: Seen[] = [];
/** Answers in place of the embeddings while it returns true. */
let interfere: (response: ServerResponse, nth: number) => boolean = () => false;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = JSON.parse(Buffer.concat(parts).toString()) as Seen['body'];
    seen.push({ path: request.url ?? '', headers: request.headers, body });
    if (interfere(response, seen.length)) return;
    const { vectors } = await inner.embed(body.input, { purpose: 'document' });
    const data = vectors.map((vector, index) => ({ index, embedding: vector.map((v) => v * 3) }));
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({ data: data.reverse(), usage: { total_tokens: body.input.length * 2 } }),
    );
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  seen = [];
  interfere = () => false;
});

const voyage = () =>
  createVoyageEmbedder({
    apiKey: 'pa-1',
    model: 'voyage-x',
    dimensions: 512,
    baseUrl,
    retryDelayMs: 1,
  });
const openai = (more: object = {}) =>
  createOpenAIEmbedder({ model: 'nomic', dimensions: 512, baseUrl, retryDelayMs: 1, ...more });

describeEmbedder('hash-512', createHashEmbedder);
describeEmbedder('Voyage', voyage);
describeEmbedder('OpenAI-compatible', openai);

describe('hash-512', () => {
  it('makes the same vectors for ever', async () => {
    const { vectors } = await createHashEmbedder().embed(['Boundary-layer'], { purpose: 'query' });
    const strongest = vectors[0]!.map((value, at) => [at, value] as const);
    strongest.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
    expect(strongest.slice(0, 4)).toMatchInlineSnapshot(`
      [
        [
          60,
          0.331061,
        ],
        [
          107,
          0.300965,
        ],
        [
          471,
          -0.270868,
        ],
        [
          169,
          0.240772,
        ],
      ]
    `);
  });

  it('holds inflections and misspellings near, others far', async () => {
    const texts = ['turbulences', 'turbulent', 'turbulant', 'keyboard'];
    const { vectors } = await createHashEmbedder().embed(['turbulence', ...texts], {
      purpose: 'document',
    });
    const near = vectors
      .slice(1)
      .map((v) => v.reduce((sum, x, at) => sum + x * vectors[0]![at]!, 0));
    expect(near.slice(0, 3).every((each) => each > 0.35)).toBe(true);
    expect(Math.abs(near[3]!)).toBeLessThan(0.2);
  });
});

describe('over HTTP', () => {
  it('asks Voyage with key, model, purpose and dimensions, in batches', async () => {
    const texts = Array.from({ length: 300 }, (_, n) => `text ${n}`);
    const result = await voyage().embed(texts, { purpose: 'query' });
    expect(result.billedTokens).toBe(600);
    expect(seen.map(({ body }) => body.input.length).sort()).toEqual([128, 128, 44]);
    expect(seen[0]).toMatchObject({
      path: '/v1/embeddings',
      headers: { authorization: 'Bearer pa-1' },
      body: { model: 'voyage-x', input_type: 'query', output_dimension: 512 },
    });
    expect(voyage().name).toBe('voyage-x:512');
  });

  it('asks an OpenAI-compatible server with prefixes, and without a key where there is none', async () => {
    const prefixes = { query: 'q: ', document: 'd: ' };
    await openai({ prefixes }).embed(['lift'], { purpose: 'document' });
    expect(seen[0]?.body).toEqual({ model: 'nomic', input: ['d: lift'], encoding_format: 'float' });
    expect(seen[0]?.headers.authorization).toBeUndefined();
    await openai({ model: 'text-embedding-3-large', apiKey: 'sk' }).embed(['a'], {
      purpose: 'query',
    });
    expect(seen[1]).toMatchObject({
      body: { dimensions: 512 },
      headers: { authorization: 'Bearer sk' },
    });
  });

  it.each([429, 500, 503])('tries again after %i', async (status) => {
    interfere = (response, nth) => {
      if (nth > 2) return false;
      response.writeHead(status, { 'retry-after': '0' }).end('busy');
      return true;
    };
    expect((await openai().embed(['a'], { purpose: 'query' })).vectors).toHaveLength(1);
    expect(seen).toHaveLength(3);
  });

  it('waits as long as it is told to', async () => {
    interfere = (response, nth) => {
      if (nth > 1) return false;
      response.writeHead(429, { 'retry-after': '0.2' }).end();
      return true;
    };
    const started = performance.now();
    await openai().embed(['a'], { purpose: 'query' });
    expect(performance.now() - started).toBeGreaterThan(190);
  });

  it('tries again when the connection breaks, and gives up in the end', async () => {
    interfere = (response) => {
      response.destroy();
      return true;
    };
    const failing = openai().embed(['a'], { purpose: 'query' });
    await expect(failing).rejects.toMatchObject({ code: 'EMBEDDING_UNAVAILABLE', retryable: true });
    expect(seen).toHaveLength(4);
  });

  it('does not try again what was refused, and tells nothing of the answer', async () => {
    interfere = (response) => {
      response.writeHead(401).end('{"detail":"key pa-1 is wrong"}');
      return true;
    };
    const failing = voyage().embed(['a'], { purpose: 'query' });
    await expect(failing).rejects.toMatchObject({
      code: 'EMBEDDING_UNAVAILABLE',
      retryable: false,
    });
    await expect(failing).rejects.not.toThrow(/pa-1/);
    expect(seen).toHaveLength(1);
  });

  it.each<[string, string]>([
    ['other dimensions', '{"data":[{"index":0,"embedding":[1,2]}]}'],
    ['too few vectors', '{"data":[]}'],
    ['no embeddings', '{"hello":1}'],
    ['no JSON', '<html>'],
  ])('refuses an answer with %s', async (_, answer) => {
    interfere = (response) => {
      response.end(answer);
      return true;
    };
    const failing = openai().embed(['a'], { purpose: 'query' });
    await expect(failing).rejects.toMatchObject({ code: 'EMBEDDING_UNAVAILABLE' });
  });

  it('ends the socket of a silent server on abort', async () => {
    const controller = new AbortController();
    const closed = new Promise<void>((resolve) => {
      interfere = (response) => {
        response.on('close', resolve);
        controller.abort(new Error('gone'));
        return true;
      };
    });
    const embedding = openai().embed(['a'], { purpose: 'query', signal: controller.signal });
    await expect(embedding).rejects.toThrow('gone');
    await closed;
    expect(seen).toHaveLength(1);
  });
});
