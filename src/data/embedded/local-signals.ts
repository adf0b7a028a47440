import { EventEmitter } from 'node:events';
import type { Log } from '../../kernel/log.ts';
import type { Signals } from '../signals.ts';

/** Signals of one process, for the embedded database: nobody else can have it open. */
export function createLocalSignals(log: Log): Signals {
  const emitter = new EventEmitter().setMaxListeners(0);
  return {
    async publish(topic, key) {
      emitter.emit(topic, key);
    },
    subscribe(topic, listener) {
      const guarded = (key: string): void => {
        try {
          listener(key);
        } catch (error) {
          log.error({ err: error, topic }, 'a listener of a signal threw');
        }
      };
      emitter.on(topic, guarded);
      return () => emitter.off(topic, guarded);
    },
  };
}
