interface IdleWatchdogOptions {
  /** Milliseconds until the first sign of life. */
  firstByteTimeoutMs: number;
  /** Milliseconds between two signs of life. */
  idleTimeoutMs: number;
  onIdle: () => void;
}

/**
 * Fires once when nothing was heard for too long. A touch only writes down the time (it comes with every token); one
 * timer looks whether enough of it has passed.
 */
export class IdleWatchdog {
  readonly #options: IdleWatchdogOptions;
  #limitMs: number;
  #since = performance.now();
  #heard = false;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: IdleWatchdogOptions) {
    this.#options = options;
    this.#limitMs = options.firstByteTimeoutMs;
    this.#lookIn(this.#limitMs);
  }

  /** The provider is heard. */
  touch(): void {
    this.#since = performance.now();
    if (this.#heard) return;
    this.#heard = true;
    this.shortenTo(this.#options.idleTimeoutMs);
  }

  /** From now on only this much silence is granted. */
  shortenTo(limitMs: number): void {
    this.#limitMs = limitMs;
    this.#lookIn(limitMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #lookIn(milliseconds: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => this.#look(), milliseconds);
    this.#timer.unref();
  }

  #look(): void {
    // A process that was frozen hears its timers before its sockets: what waits there is read first.
    if (this.#leftMs() > 0) this.#judge();
    else setImmediate(() => this.#judge());
  }

  #judge(): void {
    if (this.#stopped) return;
    const leftMs = this.#leftMs();
    if (leftMs > 0) this.#lookIn(Math.ceil(leftMs));
    else this.#options.onIdle();
  }

  #leftMs(): number {
    return this.#limitMs - (performance.now() - this.#since);
  }
}
