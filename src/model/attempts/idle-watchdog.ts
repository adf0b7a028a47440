export interface IdleWatchdogOptions {
  /** Milliseconds until the first sign of life. */
  firstByteTimeoutMs: number;
  /** Milliseconds between two signs of life. */
  idleTimeoutMs: number;
  onIdle: () => void;
}

export interface IdleWatchdog {
  /** The provider is heard. */
  touch(): void;
  /** From now on only so many milliseconds of silence are granted. */
  shortenTo(limitMs: number): void;
  stop(): void;
}

/**
 * Fires once when nothing was heard for too long. A touch only writes down the time (it comes with every token); one
 * timer looks whether enough of it has passed.
 */
export function createIdleWatchdog(options: IdleWatchdogOptions): IdleWatchdog {
  let limit = options.firstByteTimeoutMs;
  let since = performance.now();
  let heard = false;
  let timer = setTimeout(look, limit);
  timer.unref();

  function lookIn(milliseconds: number): void {
    clearTimeout(timer);
    timer = setTimeout(look, milliseconds);
    timer.unref();
  }

  function look(): void {
    const left = limit - (performance.now() - since);
    if (left <= 0) options.onIdle();
    else lookIn(Math.ceil(left));
  }

  return {
    touch() {
      since = performance.now();
      if (heard) return;
      heard = true;
      limit = options.idleTimeoutMs;
      lookIn(limit);
    },
    shortenTo(limitMs) {
      limit = limitMs;
      lookIn(limit);
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
