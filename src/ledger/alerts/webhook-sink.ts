import { createHmac } from 'node:crypto';
import type { Database } from '../../data/database.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/message-of.ts';
import { type AlertJson, alertFromJson } from './alert-record.ts';

export interface WebhookOptions {
  /** http(s). */
  url: string;
  /** Key of the HMAC-SHA256 signature. */
  secret: string;
  /** Before the second attempt; doubles with each further one, up to five minutes. Default 1,000. */
  initialBackoffMs?: number;
}

export interface WebhookSink {
  /** There may be something to deliver. */
  wake(): void;
  close(): Promise<void>;
}

interface ClaimedRow {
  alert: AlertJson;
  attempts: number;
}

interface Delivery extends WebhookOptions {
  database: Database;
  log: Log;
}

const requestMs = 10_000;
const maxPauseMs = 300_000;
/** How often a server looks for alerts that another one has not come to deliver. */
const pollMs = 60_000;
const claimedAtOnce = 20;
/** An alert that nobody took for a day is no news any more. */
const undelivered = `"deliveredAt" IS NULL AND "createdAt" > now() - interval '24 hours'`;

/**
 * Posts every alert until the receiver answers 2xx: the table is the outbox, so none is lost with a server, and a claim
 * keeps two servers from posting the same one at once. A receiver tells repetitions by `tessera-alert-id`, and checks
 * `tessera-signature: t=<unix seconds>,v1=<hex>`, the HMAC-SHA256 of `<t>.<body>`.
 */
export function createWebhookSink(delivery: Delivery): WebhookSink {
  const closing = new AbortController();
  let roused = false;
  let rouse = (): void => undefined;
  const wake = (): void => {
    roused = true;
    rouse();
  };
  const rest = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => {
      if (roused || closing.signal.aborted) return resolve();
      const timer = setTimeout(resolve, milliseconds);
      timer.unref();
      rouse = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const work = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      roused = false;
      const pauseMs = await deliverDue(delivery, closing.signal).catch((error: unknown) => {
        delivery.log.warn({ err: error }, 'alerts could not be read for the webhook');
        return pollMs;
      });
      await rest(pauseMs);
    }
  };
  const working = work();
  return {
    wake,
    async close() {
      closing.abort();
      wake();
      await working;
    },
  };
}

/** Resolves with how long there is nothing more to do. */
async function deliverDue(delivery: Delivery, signal: AbortSignal): Promise<number> {
  const { database } = delivery;
  const claimed = await database.query<ClaimedRow>(
    `UPDATE "Alert" a SET "deliverAfter" = now() + interval '30 seconds', "deliveryAttempts" = a."deliveryAttempts" + 1
     WHERE a."id" IN (
       SELECT "id" FROM "Alert" WHERE ${undelivered} AND ("deliverAfter" IS NULL OR "deliverAfter" <= now())
       ORDER BY "id" LIMIT ${claimedAtOnce} FOR UPDATE SKIP LOCKED)
     RETURNING ledger_alert_json(a) AS "alert", a."deliveryAttempts" AS "attempts"`,
  );
  await Promise.all(claimed.map((row) => deliver(row, delivery, signal)));
  if (claimed.length === claimedAtOnce || signal.aborted) return 0;
  const [next] = await database.query<{ dueMs: number | null }>(
    `SELECT ceil(extract(epoch FROM min(coalesce("deliverAfter", now())) - now()) * 1000)::float8 AS "dueMs"
     FROM "Alert" WHERE ${undelivered}`,
  );
  return Math.min(pollMs, Math.max(1, next?.dueMs ?? pollMs));
}

async function deliver(row: ClaimedRow, delivery: Delivery, signal: AbortSignal): Promise<void> {
  const { database, log } = delivery;
  const failure = await post(row.alert, delivery, signal);
  if (failure === null) {
    await database.query('UPDATE "Alert" SET "deliveredAt" = now() WHERE "id" = $1', [
      row.alert.id,
    ]);
    return;
  }
  const first = delivery.initialBackoffMs ?? 1_000;
  // A server that goes leaves its alerts to the others at once.
  const pauseMs = signal.aborted ? 0 : Math.min(maxPauseMs, first * 2 ** (row.attempts - 1));
  await database.query(
    `UPDATE "Alert" SET "deliverAfter" = now() + $2 * interval '1 millisecond' WHERE "id" = $1`,
    [row.alert.id, pauseMs],
  );
  if (!signal.aborted)
    log.warn(
      { alertId: row.alert.id, attempt: row.attempts, pauseMs, reason: failure },
      'the webhook did not take an alert',
    );
}

/** Null when the receiver took it, else why not. */
async function post(
  json: AlertJson,
  options: WebhookOptions,
  signal: AbortSignal,
): Promise<string | null> {
  const body = JSON.stringify({ type: 'alert', alert: alertFromJson(json) });
  const seconds = Math.floor(Date.now() / 1_000);
  const signature = createHmac('sha256', options.secret).update(`${seconds}.${body}`).digest('hex');
  try {
    const response = await fetch(options.url, {
      method: 'POST',
      redirect: 'error',
      headers: {
        'content-type': 'application/json',
        'tessera-alert-id': json.id,
        'tessera-signature': `t=${seconds},v1=${signature}`,
      },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestMs)]),
    });
    await response.body?.cancel();
    return response.ok ? null : `HTTP ${response.status}`;
  } catch (error) {
    return messageOf(error);
  }
}
