import type { ExecutionResult, OperationRequest, Sink, Transport } from '../transport.ts';

export interface ServerSentEventsOptions {
  url: string;
  headers(): Promise<Record<string, string>>;
  fetch: typeof fetch;
}

/** The server sends a comment at least every 12 s: silence beyond this is a lost connection. */
const silenceTimeoutMs = 30_000;

/** A request for each subscription, by `fetch`, since `EventSource` can send neither a body nor a key. */
export function createServerSentEventsTransport(options: ServerSentEventsOptions): Transport {
  const open = new Set<AbortController>();
  return {
    subscribe(request, sink) {
      const abort = new AbortController();
      open.add(abort);
      void read(request, sink, { ...options, abort }).finally(() => open.delete(abort));
      return () => abort.abort();
    },
    reconnect() {},
    close() {
      for (const abort of open) abort.abort();
    },
  };
}

async function read(
  { query, variables, extensions }: OperationRequest,
  sink: Sink,
  { url, headers, fetch, abort }: ServerSentEventsOptions & { abort: AbortController },
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const touch = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(), silenceTimeoutMs);
  };
  try {
    touch();
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        accept: 'text/event-stream',
        'content-type': 'application/json',
        ...(await headers()),
      },
      body: JSON.stringify({ query, variables, extensions }),
      signal: abort.signal,
    });
    if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
      return await refuse(response, sink);
    }
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ''; ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      touch();
      const blocks = (rest + value).split(/\r?\n\r?\n/);
      rest = blocks.pop()!;
      for (const block of blocks) if (emit(block, sink)) return;
    }
    sink.lost({ message: 'the stream ended early' });
  } catch (error) {
    sink.lost({ message: error instanceof Error ? error.message : String(error) });
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

/** An answer that is no stream: the server's errors, or a proxy's page. */
async function refuse(response: Response, sink: Sink): Promise<void> {
  const body = (await response.json().catch(() => null)) as ExecutionResult | null;
  if (!body?.errors) return sink.lost({ message: response.statusText, code: response.status });
  sink.next(body);
  sink.complete();
}

/** Hands on what one block of the stream says; true when it was the last. */
function emit(block: string, sink: Sink): boolean {
  const lines = block.split(/\r?\n/);
  const field = (name: string): string =>
    lines
      .filter((line) => line.startsWith(`${name}:`))
      .map((line) => line.slice(name.length + 1).replace(/^ /, ''))
      .join('\n');
  const event = field('event');
  if (event === 'complete') sink.complete();
  else if (event === 'next') sink.next(JSON.parse(field('data')) as ExecutionResult);
  return event === 'complete';
}
