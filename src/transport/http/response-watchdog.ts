import type { ServerResponse } from 'node:http';
import type { Exchange, Outflow } from './exchange.ts';

interface Watched {
  response: ServerResponse;
  stuckSince: number | null;
  stalled: boolean;
  exchange?: Exchange;
}

export interface ResponseWatchdog {
  /** Watches a response until it is closed. Its stream is given up after `stallMs` without progress. */
  watch(response: ServerResponse): Outflow & { follow(exchange: Exchange): void };
  stop(): void;
}

/** Bytes wait, and nothing of them leaves. */
const isStuck = (response: ServerResponse): boolean =>
  response.writableNeedDrain || (response.writableEnded && !response.writableFinished);

/**
 * Node waits for ever for a reader that stops reading: Yoga switches a streaming socket's own timeout off. So all
 * responses are looked at from time to time: a stuck one's stream is given up, and one that stays stuck is cut.
 */
export function createResponseWatchdog(stallMs: number): ResponseWatchdog {
  const watched = new Set<Watched>();
  const look = (entry: Watched, now: number): void => {
    if (!isStuck(entry.response)) {
      entry.stuckSince = null;
      return;
    }
    entry.stuckSince ??= now;
    const stuckFor = now - entry.stuckSince;
    if (stuckFor >= stallMs && !entry.stalled) {
      entry.stalled = true;
      entry.exchange?.giveUp?.();
    }
    if (stuckFor >= 3 * stallMs) entry.response.destroy();
  };
  const timer = setInterval(
    () => {
      const now = performance.now();
      for (const entry of watched) look(entry, now);
    },
    Math.max(stallMs / 10, 10),
  );
  timer.unref();
  return {
    watch(response) {
      const entry: Watched = { response, stuckSince: null, stalled: false };
      watched.add(entry);
      response.once('close', () => watched.delete(entry));
      return {
        stalled: () => entry.stalled,
        follow(exchange) {
          entry.exchange = exchange;
        },
      };
    },
    stop: () => clearInterval(timer),
  };
}
