import type { Database } from '../../data/database.ts';
import type { Log } from '../../kernel/log.ts';
import type { AlertRecord } from '../ledger.ts';
import { createWebhookSink, type WebhookOptions } from './webhook-sink.ts';

export interface Announcer {
  /** For alerts that this server has just committed. Never throws, and waits for nobody. */
  announce(alerts: readonly AlertRecord[]): void;
  close(): Promise<void>;
}

/** Tells everyone of an alert: the log, the plugins' hook, admins who are subscribed on any server, the webhook. */
export function createAnnouncer(options: {
  database: Database;
  log: Log;
  onAlert?: (alert: AlertRecord) => void | Promise<void>;
  webhook?: WebhookOptions;
}): Announcer {
  const { database, log, onAlert } = options;
  const sink = options.webhook ? createWebhookSink({ database, log, ...options.webhook }) : null;
  const callHook = async (alert: AlertRecord): Promise<void> => {
    try {
      await onAlert?.(alert);
    } catch (error) {
      log.error({ err: error, alertId: alert.id }, 'an alert hook threw');
    }
  };
  return {
    announce(alerts) {
      for (const alert of alerts) {
        const { id, message, ...fields } = alert;
        log.warn({ ...fields, alertId: id }, message);
        void callHook(alert);
        void database.signals.publish('alert', id);
      }
      if (alerts.length > 0) sink?.wake();
    },
    close: async () => sink?.close(),
  };
}
