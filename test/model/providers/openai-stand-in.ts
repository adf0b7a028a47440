import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';

type Json = Record<string, unknown>;

/** What the next request gets. */
export interface StandInReply {
  status?: number;
  headers?: Record<string, string>;
  /** The body of an answer that is no stream. */
  body?: string;
  /** Chunks of a stream, as they are; then, unless it is cut, finish, usage and "[DONE]". */
  deltas?: Json[];
  finishReason?: string;
  /** Null: the server tells none. */
  usage?: Json | null;
  /** Behind the deltas: end without finish, send this line, or stay silent until the client leaves. */
  ending?: 'cut' | 'stall' | { data: string };
  /** Silence before the headers. */
  silent?: boolean;
}

export interface OpenAiStandIn extends AsyncDisposable {
  /** With "/v1". */
  url: string;
  requests: { path: string; authorization: string | undefined; body: Json }[];
  openCalls: number;
  script(...replies: StandInReply[]): void;
  waitForOpenCalls(count: number): Promise<void>;
}

/** A small server that speaks chat completions, by script only; without one it says "Hello." */
export async function startOpenAiStandIn(): Promise<OpenAiStandIn> {
  const replies: StandInReply[] = [];
  const requests: OpenAiStandIn['requests'] = [];
  const open = new Set<ServerResponse>();
  const server = createServer(async (request, response) => {
    const body = await readBody(request);
    requests.push({ path: request.url ?? '', authorization: request.headers.authorization, body });
    if (request.url === '/v1/models') {
      response.end(JSON.stringify({ data: [{ id: 'gpt-test' }, { id: 'meta/llama-test' }] }));
      return;
    }
    open.add(response);
    response.on('close', () => open.delete(response));
    answer(response, replies.shift() ?? { deltas: [{ content: 'Hello.' }] });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    get openCalls() {
      return open.size;
    },
    script: (...more) => void replies.push(...more),
    waitForOpenCalls: (count) =>
      expect.poll(() => open.size, { timeout: 5_000, interval: 5 }).toBe(count),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(response: ServerResponse, reply: StandInReply): void {
  if (reply.silent) return;
  if (reply.body !== undefined) {
    response.writeHead(reply.status ?? 200, {
      'content-type': 'application/json',
      ...reply.headers,
    });
    response.end(reply.body);
    return;
  }
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'x-request-id': 'req_test',
    ...reply.headers,
  });
  for (const delta of reply.deltas ?? []) send(response, { choices: [{ index: 0, delta }] });
  if (reply.ending === 'stall') return;
  if (reply.ending !== undefined) {
    response.end(reply.ending === 'cut' ? '' : `data: ${reply.ending.data}\n\n`);
    return;
  }
  send(response, {
    choices: [{ index: 0, delta: {}, finish_reason: reply.finishReason ?? 'stop' }],
  });
  const usage =
    reply.usage === undefined ? { prompt_tokens: 12, completion_tokens: 7 } : reply.usage;
  if (usage) send(response, { choices: [], usage });
  response.end('data: [DONE]\n\n');
}

function send(response: ServerResponse, chunk: Json): void {
  const data = { id: 'chatcmpl_1', object: 'chat.completion.chunk', model: 'gpt-test', ...chunk };
  response.write(`data: ${JSON.stringify(data)}\n\n`);
}

async function readBody(request: IncomingMessage): Promise<Json> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text === '' ? {} : (JSON.parse(text) as Json);
}
