export interface BatchQueue<Entry> {
  push(entry: Entry): void;
  /** Entries that are queued or under way. */
  size(): number;
  /** Ends a wait between two attempts at once. */
  flush(): void;
  /** Resolves when nothing is queued nor under way. */
  idle(): Promise<void>;
}

export interface BatchQueueOptions<Entry> {
  /** Most entries of one batch. */
  limit: number;
  /** Deals with a batch and every promise in it; never throws. What it returns is tried again after a pause. */
  run(batch: Entry[]): Promise<Entry[]>;
  /** Milliseconds before the attempt after the `failures`th failure in a row. */
  pauseMs?(failures: number): number;
  /** Least milliseconds from the start of a batch to the next one's, while it is busy. Default 20. */
  intervalMs?: number;
}

/**
 * A statement costs the embedded database about 0.8 ms, an entry of it 0.1 ms: without an interval a busy server, whose
 * entries come one by one, spends more on statements than on completions. A batches is busy that lately had a batch of
 * several: a single caller, who comes again when his last call is done, would only wait for himself.
 */
const defaultIntervalMs = 20;
const busyIntervals = 10;

/**
 * Group commit: one batch is under way at a time, and whatever arrives meanwhile goes together in the next. Alone, an
 * entry waits for nothing; under load a round trip and a transaction are shared by all that wait.
 */
export function createBatchQueue<Entry>(options: BatchQueueOptions<Entry>): BatchQueue<Entry> {
  let queue: Entry[] = [];
  let underWay = 0;
  let scheduled = false;
  let failures = 0;
  let startedAt = Number.NEGATIVE_INFINITY;
  let metAt = Number.NEGATIVE_INFINITY;
  const intervalMs = options.intervalMs ?? defaultIntervalMs;
  let pause: { timer: NodeJS.Timeout; end(): void } | undefined;
  const waiters: (() => void)[] = [];

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    // After the I/O events of this turn: what arrived with them goes along.
    setImmediate(() => void work());
  };
  const rest = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        pause = undefined;
        resolve();
      };
      const timer = setTimeout(end, milliseconds);
      pause = { timer, end };
    });
  const work = async (): Promise<void> => {
    while (queue.length > 0) {
      const now = performance.now();
      const early = intervalMs - (now - startedAt);
      const busy = now - metAt < busyIntervals * intervalMs;
      if (busy && early > 0 && queue.length < options.limit) await rest(early);
      startedAt = performance.now();
      const batch = queue.splice(0, options.limit);
      underWay = batch.length;
      if (batch.length > 1) metAt = startedAt;
      const again = await options.run(batch);
      underWay = 0;
      if (again.length === 0) {
        failures = 0;
        continue;
      }
      queue = [...again, ...queue];
      failures += 1;
      await rest(options.pauseMs?.(failures) ?? 0);
    }
    scheduled = false;
    for (const resolve of waiters.splice(0)) resolve();
  };
  return {
    push(entry) {
      queue.push(entry);
      schedule();
    },
    size: () => queue.length + underWay,
    flush: () => pause?.end(),
    idle: () => (scheduled ? new Promise((resolve) => waiters.push(resolve)) : Promise.resolve()),
  };
}
