import type { Log } from '../kernel/log.ts';

interface Closable {
  close(): void | Promise<void>;
}

/** Opened resources, closed in the opposite order: at the end, or when a later step fails. */
export interface UndoList {
  add<Opened extends Closable>(opened: Opened): Opened;
  /** Closes everything. A failure to close is logged, and the rest is closed. */
  run(): Promise<void>;
}

export function createUndoList(log: Log): UndoList {
  const opened: Closable[] = [];
  return {
    add(closable) {
      opened.push(closable);
      return closable;
    },
    async run() {
      for (const closable of opened.splice(0).reverse()) {
        try {
          await closable.close();
        } catch (error) {
          log.error({ err: error }, 'a part of the server failed to close');
        }
      }
    },
  };
}
