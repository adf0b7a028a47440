/**
 * Wake-ups between the servers of a deployment. A signal is never the data: whoever hears one reads the
 * database, and polls besides, because a notification may be lost.
 */
export const signalTopics = ['run', 'cancel', 'reader', 'approval', 'alert', 'collection'] as const;

export type SignalTopic = (typeof signalTopics)[number];

export interface Signals {
  /** Tells every server, this one included. Fire and forget: resolves when sent, never throws. */
  publish(topic: SignalTopic, key: string): Promise<void>;
  /**
   * Calls `listener` with the key of each signal, or with `*` when signals may have been missed: look at everything.
   * Returns the unsubscribe function. A throwing listener is logged.
   */
  subscribe(topic: SignalTopic, listener: (key: string) => void): () => void;
}
