// The stand-in of the Claude API for `npm run bench`, in a process of its own: `node upstream.ts`. It prints its URL.
// Every token is " lorem", so that a client can count them however they were merged on the way.
//   PUT /pace {"tokens": 200, "firstTokenMs": 0, "intervalMs": 0}   what the next answers are like
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How answers come. `intervalMs` 0: as fast as the socket takes them. */
export interface Pace {
  tokens: number;
  firstTokenMs: number;
  intervalMs: number;
}

const word = ' lorem';
const pace: Pace = { tokens: 200, firstTokenMs: 0, intervalMs: 0 };
const usage = { input_tokens: 25, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
const message = {
  id: 'msg_01bench',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-5-5',
  content: [] as object[],
  stop_reason: null as string | null,
  stop_sequence: null,
};

const frame = (type: string, data: object = {}): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
const head =
  frame('message_start', { message: { ...message, usage: { ...usage, output_tokens: 1 } } }) +
  frame('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
const delta = Buffer.from(
  frame('content_block_delta', { index: 0, delta: { type: 'text_delta', text: word } }),
);
const tail = (tokens: number): string =>
  frame('content_block_stop', { index: 0 }) +
  frame('message_delta', {
    delta: { stop_reason: 'end_turn', stop_sequence: null },
    usage: { ...usage, output_tokens: tokens },
  }) +
  frame('message_stop');

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const bytes of request.setEncoding('latin1')) body += bytes;
  return body;
}

function answerWhole(response: ServerResponse, { tokens }: Pace): void {
  const content = [{ type: 'text', text: word.repeat(tokens) }];
  const whole = { ...message, content, stop_reason: 'end_turn' };
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ ...whole, usage: { ...usage, output_tokens: tokens } }));
}

function answerInPieces(response: ServerResponse, { tokens, intervalMs }: Pace): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.write(head);
  let sent = 0;
  const next = (): void => {
    // Several streams take turns: 16 writes each.
    for (let count = 0; count < (intervalMs > 0 ? 1 : 16); count += 1) {
      if (response.destroyed) return;
      if (sent === tokens) return void response.end(tail(tokens));
      sent += 1;
      if (!response.write(delta)) return void response.once('drain', next);
    }
    if (intervalMs > 0) setTimeout(next, intervalMs);
    else setImmediate(next);
  };
  next();
}

const server = createServer(async (request, response) => {
  const body = await bodyOf(request);
  if (request.method === 'PUT') {
    Object.assign(pace, JSON.parse(body));
    return void response.end();
  }
  if (request.method !== 'POST') return void response.writeHead(404).end('{}');
  const now = { ...pace };
  const answer = (): void =>
    /"stream"\s*:\s*true/.test(body) ? answerInPieces(response, now) : answerWhole(response, now);
  if (now.firstTokenMs > 0) setTimeout(answer, now.firstTokenMs);
  else answer();
});
server.keepAliveTimeout = 120_000;
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () =>
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`),
);
