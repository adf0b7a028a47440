import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Log } from '../../kernel/log.ts';
import { createLocalSignals } from '../embedded/local-signals.ts';
import { type Signals, type SignalTopic, signalTopics } from '../signals.ts';
import { connectionOptions } from './open-server-pool.ts';

const channel = 'tessera';
const firstRetryMs = 100;
const lastRetryMs = 5_000;
const heartbeatMs = 15_000;
const heartbeatTimeoutMs = 5_000;

interface Notification {
  from: string;
  topic: SignalTopic;
  key: string;
}

export interface ServerSignals extends Signals {
  close(): Promise<void>;
}

/**
 * Signals over LISTEN and NOTIFY, on a connection of their own that is made again whenever it breaks; listeners then get
 * the key `*`, for what they may have missed. This server's own listeners hear at once, without the database. Resolves
 * when listening, or when the first attempt has failed.
 */
export async function openServerSignals(
  url: string,
  options: { pool: pg.Pool; log: Log },
): Promise<ServerSignals> {
  const { pool, log } = options;
  const self = randomUUID();
  const local = createLocalSignals(log);
  const stop = new AbortController();
  const outbox = new Set<string>();
  let sending: Promise<void> | undefined;

  // NOTIFY takes a lock of the whole server at its commit: signals of one moment share a statement.
  const drain = async (): Promise<void> => {
    await Promise.resolve();
    while (outbox.size > 0) {
      const payloads = [...outbox];
      outbox.clear();
      try {
        await pool.query('SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload', [
          channel,
          payloads,
        ]);
      } catch (error) {
        log.debug({ err: error }, 'signals were lost; other servers will see by polling');
      }
    }
    sending = undefined;
  };
  const receive = (text: string | undefined): void => {
    const { from, topic, key } = JSON.parse(text ?? '') as Notification;
    if (from !== self) void local.publish(topic, key);
  };
  const wakeAll = (): void => {
    for (const topic of signalTopics) void local.publish(topic, '*');
  };
  const listening = listenForEver({ url, log, signal: stop.signal, receive, onReconnect: wakeAll });
  await listening.firstAttempt;
  return {
    subscribe: local.subscribe,
    async publish(topic, key) {
      await local.publish(topic, key);
      outbox.add(JSON.stringify({ from: self, topic, key } satisfies Notification));
      sending ??= drain();
      await sending;
    },
    async close() {
      stop.abort();
      await listening.ended;
      await sending;
    },
  };
}

interface ListenOptions {
  url: string;
  log: Log;
  signal: AbortSignal;
  receive(payload: string | undefined): void;
  onReconnect(): void;
}

function listenForEver(options: ListenOptions): {
  firstAttempt: Promise<void>;
  ended: Promise<void>;
} {
  const first = Promise.withResolvers<void>();
  const loop = async (): Promise<void> => {
    let retryMs = firstRetryMs;
    let connectedBefore = false;
    let interrupted = false;
    while (!options.signal.aborted) {
      try {
        await listenOnce(options, () => {
          retryMs = firstRetryMs;
          if (interrupted) options.log.info({}, 'signals from other servers are heard again');
          interrupted = false;
          if (connectedBefore) options.onReconnect();
          connectedBefore = true;
          first.resolve();
        });
      } catch (error) {
        if (!interrupted) {
          options.log.warn({ err: error }, 'signals from other servers are interrupted');
        }
        interrupted = true;
      }
      first.resolve();
      await delay(retryMs * (0.5 + Math.random()), undefined, { signal: options.signal }).catch(
        () => undefined,
      );
      retryMs = Math.min(retryMs * 2, lastRetryMs);
    }
  };
  return { firstAttempt: first.promise, ended: loop() };
}

/** Resolves when told to stop, rejects when the connection breaks. */
async function listenOnce(options: ListenOptions, onListening: () => void): Promise<void> {
  const client = new pg.Client({
    ...connectionOptions(options.url, 'signals'),
    query_timeout: heartbeatTimeoutMs,
  });
  const over = Promise.withResolvers<void>();
  client.on('error', over.reject);
  client.on('end', () => over.reject(new Error('the connection ended')));
  client.on('notification', ({ payload }) => options.receive(payload));
  const stop = (): void => over.resolve();
  options.signal.addEventListener('abort', stop);
  // A connection whose other end has vanished stays silent: ask now and then.
  const heartbeat = setInterval(() => client.query('SELECT 1').catch(over.reject), heartbeatMs);
  try {
    await client.connect();
    await client.query(`LISTEN ${channel}`);
    onListening();
    await over.promise;
  } finally {
    clearInterval(heartbeat);
    options.signal.removeEventListener('abort', stop);
    over.promise.catch(() => undefined);
    await client.end().catch(() => undefined);
  }
}
