import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type {
  ContentBlock,
  Message,
  RawMessageDeltaEvent,
} from '@anthropic-ai/sdk/resources/messages/messages';
import type { ErrorBody } from '../api-error.ts';
import { CallAborted } from '../faults/hold-gate.ts';
import type { ReplyStep } from '../replies/reply-steps.ts';
import { applyStep } from './message-shape.ts';

/** Where a reply goes: an event stream, or one JSON body at the end. */
export interface ReplySink {
  open(message: Message): Promise<void>;
  step(event: ReplyStep['event']): void;
  /** Hands everything so far to the client. */
  flush(): Promise<void>;
  close(event: RawMessageDeltaEvent): void;
  /** An error after the answer began. */
  fail(error: ErrorBody, status: number): void;
  /** Ends as a lost upstream does: cleanly, but before the end. */
  cut(): void;
  garbage(): void;
}

type Headers = Readonly<Record<string, string>>;

/** `event: X\ndata: {json}\n\n`, buffered until flushed, never faster than the client reads. */
export class SseSink implements ReplySink {
  readonly #response: ServerResponse;
  readonly #headers: Headers;
  readonly #signal: AbortSignal;
  #buffer = '';

  constructor(response: ServerResponse, headers: Headers, signal: AbortSignal) {
    this.#response = response;
    this.#headers = headers;
    this.#signal = signal;
  }

  async open(message: Message): Promise<void> {
    this.#response.writeHead(200, {
      ...this.#headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
    });
    this.#frame({ type: 'message_start', message });
    this.#frame({ type: 'ping' });
    await this.flush();
  }

  step(event: ReplyStep['event']): void {
    this.#frame(event);
  }

  async flush(): Promise<void> {
    if (this.#signal.aborted) throw new CallAborted();
    if (this.#buffer === '') return;
    const chunk = this.#buffer;
    this.#buffer = '';
    if (this.#response.write(chunk)) return;
    await once(this.#response, 'drain', { signal: this.#signal }).catch(() => {
      throw new CallAborted();
    });
  }

  close(event: RawMessageDeltaEvent): void {
    this.#frame(event);
    this.#frame({ type: 'message_stop' });
    this.#end();
  }

  fail(error: ErrorBody): void {
    this.#frame(error);
    this.#end();
  }

  cut(): void {
    this.#end();
  }

  garbage(): void {
    this.#buffer += 'event: content_block_delta\ndata: {"type":"content_block_delta", oh no\n\n';
    this.#end();
  }

  #frame(
    event:
      | { type: string; [field: string]: unknown }
      | ReplyStep['event']
      | RawMessageDeltaEvent
      | ErrorBody,
  ): void {
    this.#buffer += `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
  }

  #end(): void {
    this.#response.end(this.#buffer);
    this.#buffer = '';
  }
}

/** One JSON message, sent when the reply is complete. */
export class JsonSink implements ReplySink {
  readonly #response: ServerResponse;
  readonly #headers: Headers;
  readonly #signal: AbortSignal;
  readonly #content: ContentBlock[] = [];
  readonly #toolInputs = new Map<number, string>();
  #message: Message | undefined;

  constructor(response: ServerResponse, headers: Headers, signal: AbortSignal) {
    this.#response = response;
    this.#headers = headers;
    this.#signal = signal;
  }

  async open(message: Message): Promise<void> {
    this.#message = message;
  }

  step(event: ReplyStep['event']): void {
    applyStep(this.#content, this.#toolInputs, event);
  }

  async flush(): Promise<void> {
    if (this.#signal.aborted) throw new CallAborted();
  }

  close({ delta, usage }: RawMessageDeltaEvent): void {
    const message = this.#message;
    if (message === undefined) throw new Error('closed before it was opened');
    const whole: Message = {
      ...message,
      ...delta,
      content: this.#content,
      usage: { ...message.usage, ...usage, input_tokens: message.usage.input_tokens },
    };
    this.#send(200, JSON.stringify(whole));
  }

  fail(error: ErrorBody, status: number): void {
    this.#send(status, JSON.stringify(error));
  }

  cut(): void {
    this.#send(200, JSON.stringify(this.#message ?? {}).slice(0, 40));
  }

  garbage(): void {
    this.#send(200, '{"type":"message", oh no');
  }

  #send(status: number, body: string): void {
    this.#response.writeHead(status, { ...this.#headers, 'content-type': 'application/json' });
    this.#response.end(body);
  }
}
