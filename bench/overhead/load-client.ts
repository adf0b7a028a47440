// The load of `npm run bench`, in a process of its own: reads a LoadJob from its standard input, prints a LoadResult.
// It writes RUN and END to its standard error when the measured time begins and ends.
import { once } from 'node:events';
import { Pool } from 'undici';
import { WebSocket } from 'ws';
import type { LoadJob, LoadResult } from './load-job.ts';

const marker = ' lorem';

/** Does one call; `onTokens` is called with the number of tokens whenever some have come. */
type Call = (onTokens: (count: number) => void) => Promise<void>;

function countMarkers(text: string): number {
  let count = 0;
  for (let at = text.indexOf(marker); at >= 0; at = text.indexOf(marker, at + marker.length))
    count += 1;
  return count;
}

function overHttp(job: LoadJob): Call {
  const { origin, pathname } = new URL(job.url);
  const pool = new Pool(origin, {
    connections: job.hold ?? job.concurrency,
    bodyTimeout: 0,
    headersTimeout: 0,
  });
  const body = JSON.stringify({ query: job.query, variables: job.variables });
  const accept = job.via === 'sse' ? 'text/event-stream' : 'application/json';
  const headers = { 'content-type': 'application/json', accept, ...job.headers };
  return async (onTokens) => {
    const response = await pool.request({ method: 'POST', path: pathname, headers, body });
    if (response.statusCode !== 200) throw new Error(await response.body.text());
    let rest = '';
    for await (const piece of response.body.setEncoding('utf8')) {
      rest += piece;
      const count = countMarkers(rest);
      if (count > 0) onTokens(count);
      rest = count > 0 ? rest.slice(rest.lastIndexOf(marker) + marker.length) : rest;
      if (rest.includes('"errors"')) throw new Error(rest.slice(0, 300));
    }
  };
}

async function connect(job: LoadJob): Promise<WebSocket> {
  const socket = new WebSocket(job.url.replace('http', 'ws'), 'graphql-transport-ws', {
    perMessageDeflate: false,
  });
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: job.headers }));
  await once(socket, 'message');
  return socket;
}

function overWebSocket(job: LoadJob): Call {
  const idle: WebSocket[] = [];
  const payload = JSON.stringify({ query: job.query, variables: job.variables });
  let id = 0;
  return async (onTokens) => {
    const socket = idle.pop() ?? (await connect(job));
    id += 1;
    await new Promise<void>((resolve, reject) => {
      const onMessage = (data: Buffer): void => {
        const text = data.toString('latin1');
        const count = countMarkers(text);
        if (count > 0) onTokens(count);
        else if (text.includes('"type":"ping"')) socket.send('{"type":"pong"}');
        else if (text.includes('"type":"complete"')) {
          socket.off('message', onMessage);
          resolve();
        } else if (text.includes('"errors"') || text.includes('"type":"error"')) {
          reject(new Error(text.slice(0, 300)));
        }
      };
      socket.on('message', onMessage);
      socket.once('close', () => reject(new Error('the socket was closed')));
      socket.setMaxListeners(0);
      socket.send(`{"id":"${id}","type":"subscribe","payload":${payload}}`);
    });
    socket.removeAllListeners('close');
    idle.push(socket);
  };
}

const percentile = (values: number[], share: number): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length * share)] ?? Number.NaN;

class Meter {
  readonly #job: LoadJob;
  readonly #call: Call;
  readonly #latencies: number[] = [];
  readonly #firstTokens: number[] = [];
  #phase: 'warm-up' | 'run' | 'end' = 'warm-up';
  #tokens = 0;
  #errors = 0;
  #firstError: string | null = null;

  constructor(job: LoadJob, call: Call) {
    this.#job = job;
    this.#call = call;
  }

  async measure(): Promise<LoadResult> {
    for (let index = 0; index < this.#job.concurrency; index += 1) void this.#loop();
    await this.#wait(this.#job.warmUpMs);
    this.#phase = 'run';
    process.stderr.write('RUN\n');
    const startedAt = performance.now();
    await this.#wait(this.#job.durationMs);
    process.stderr.write('END\n');
    this.#phase = 'end';
    return {
      errors: this.#errors,
      firstError: this.#firstError,
      calls: this.#latencies.length,
      tokens: this.#tokens,
      seconds: (performance.now() - startedAt) / 1_000,
      p50: percentile(this.#latencies, 0.5),
      p99: percentile(this.#latencies, 0.99),
      firstTokenP50: percentile(this.#firstTokens, 0.5),
      firstTokenP99: percentile(this.#firstTokens, 0.99),
    };
  }

  readonly #wait = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, milliseconds));

  async #loop(): Promise<void> {
    while (this.#phase !== 'end' && this.#errors < 50) await this.#once();
  }

  async #once(): Promise<void> {
    const isMeasured = this.#phase === 'run';
    const startedAt = performance.now();
    let seen = 0;
    try {
      await this.#call((count) => {
        if (seen === 0 && isMeasured) this.#firstTokens.push(performance.now() - startedAt);
        seen += count;
        if (this.#phase === 'run') this.#tokens += count;
      });
      if (seen !== this.#job.tokens) throw new Error(`${seen} tokens, not ${this.#job.tokens}`);
      if (isMeasured && this.#phase === 'run') this.#latencies.push(performance.now() - startedAt);
    } catch (error) {
      this.#errors += 1;
      this.#firstError ??= error instanceof Error ? error.message : String(error);
    }
  }
}

async function hold(count: number, call: Call): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    call(() => {}).catch((error: Error) => process.stderr.write(`${error.message}\n`));
    if (index % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 60));
  }
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  process.stdout.write('held\n');
  await once(process.stdin.resume(), 'end');
}

const [line] = (await once(process.stdin.setEncoding('utf8'), 'data')) as [string];
const job = JSON.parse(line) as LoadJob;
const call = job.via === 'ws' ? overWebSocket(job) : overHttp(job);
if (job.hold) await hold(job.hold, call);
else process.stdout.write(`${JSON.stringify(await new Meter(job, call).measure())}\n`);
process.exit(0);
