import { createParser } from 'eventsource-parser';
import { maxOpaqueCharacters } from './answer-limits.ts';
import { parseJson } from './json-fields.ts';

/** The stream is no stream of JSON events: its text is not JSON, or an event is longer than any may be. */
export class BrokenEventError extends Error {
  override readonly name = 'BrokenEventError';
}

/** The event that ends streams of OpenAI's kind: no JSON. */
const done = '[DONE]';

interface JsonEventsOptions {
  /** `type` is the event's name, if it has one. */
  onJson(json: unknown, type: string | undefined): void;
  /** "[DONE]" came. */
  onDone(): void;
}

/**
 * Server-sent events whose data is JSON, parsed as their bytes come: `feed` calls back for all events that the bytes
 * complete. Servers differ: an event may be empty, may lack the blank line after it, and the last one may lack its end. A
 * body that holds no event at all but JSON is taken as one event. `feed` and `end` throw a `BrokenEventError`.
 */
export class JsonEvents {
  readonly #options: JsonEventsOptions;
  readonly #decoder = new TextDecoder();
  readonly #parser = createParser({
    maxBufferSize: maxOpaqueCharacters,
    onEvent: ({ data, event }) => this.#take(data, event),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') this.#broken = 'an event is too long';
    },
  });
  #broken: string | null = null;
  /** The text so far, while no event has come. */
  #body: string | null = '';

  constructor(options: JsonEventsOptions) {
    this.#options = options;
  }

  feed(bytes: Uint8Array): void {
    this.#feed(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The body has ended. */
  end(): void {
    this.#feed(`${this.#decoder.decode()}\n\n`);
    const json = this.#body === null ? undefined : parseJson(this.#body);
    if (json !== undefined) this.#options.onJson(json, undefined);
  }

  #feed(text: string): void {
    if (this.#body !== null) this.#body += text;
    this.#parser.feed(text);
    if (this.#body !== null && this.#body.length > maxOpaqueCharacters) this.#body = null;
    if (this.#broken !== null) throw new BrokenEventError(this.#broken);
  }

  #take(data: string, type: string | undefined): void {
    this.#body = null;
    if (data.trim() === '') return;
    const json = data === done ? undefined : parseJson(data);
    if (json !== undefined) this.#options.onJson(json, type);
    else if (data.trim() === done) this.#options.onDone();
    else if (data.includes('\n')) for (const line of data.split('\n')) this.#take(line, type);
    else throw new BrokenEventError('an event is not JSON');
  }
}
