import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Json = Record<string, unknown>;

/** What a model call is answered with: a stream's bytes, or another status and its body. */
export type ReplayAnswer = string | { status: number; body: unknown };

export interface Replay extends AsyncDisposable {
  /** For Claude; OpenAI-compatible servers are at `${url}/v1`. */
  url: string;
  /** The bodies of the model calls so far. */
  requests: Json[];
  /** Answers the next model calls, in order; the last one stays. */
  script(...answers: ReplayAnswer[]): void;
  /** Answers a call that brings the result of a tool with "done". Default true. */
  answerToolResults: boolean;
}

/** A file of `test/model/fixtures`: "claude/empty-answer". */
export const fixture = (name: string): Promise<string> =>
  readFile(new URL(`../fixtures/${name}.sse`, import.meta.url), 'utf8');

/** A server that answers model calls with bytes. */
export async function startReplay(): Promise<Replay> {
  const requests: Json[] = [];
  let answers: ReplayAnswer[] = [];
  const server = createServer(async (request, response) => {
    const body = await readBody(request);
    if (request.method === 'GET') return sendJson(response, 200, { data: [], has_more: false });
    if (request.url?.includes('count_tokens')) return sendJson(response, 200, { input_tokens: 50 });
    requests.push(body);
    const isClaude = request.url?.includes('/messages') ?? false;
    const bringsResult = /"type":"tool_result"|"role":"tool"/.test(JSON.stringify(body));
    if (replay.answerToolResults && bringsResult) {
      return sendStream(response, await fixture(isClaude ? 'claude/done' : 'openai/done'));
    }
    const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? '';
    if (typeof answer === 'string') return sendStream(response, answer);
    sendJson(response, answer.status, answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const replay: Replay = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answerToolResults: true,
    script(...next) {
      answers = next;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return replay;
}

function sendStream(response: ServerResponse, bytes: string): void {
  const isJson = bytes.startsWith('{');
  response.writeHead(200, { 'content-type': isJson ? 'application/json' : 'text/event-stream' });
  response.end(bytes);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const isText = typeof body === 'string';
  response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json' });
  response.end(isText ? body : JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<Json> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text === '' ? {} : (JSON.parse(text) as Json);
}
