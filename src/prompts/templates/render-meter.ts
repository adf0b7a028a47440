import type { Context, Emitter } from 'liquidjs';

/** What one rendering may use up. */
export interface RenderAllowance {
  /** What is evaluated, in every pass of every loop: each node, operand, operator, filter, argument and branch. */
  steps: number;
  /** Characters and list entries read by filters, operators and loops. */
  work: number;
  /** Characters and list entries created, the result included. */
  created: number;
  /** Milliseconds of computing, the backstop behind the counters. */
  milliseconds: number;
}

/**
 * In proportion to what the call brings, so that a long context may be rendered and a short call cannot cost much: with
 * these numbers the worst templates known take 0.1 s and some 50 MB for a call with small variables. A pass of a loop
 * that prints a variable takes 10 steps, and a million steps 0.3 s.
 */
export const allowanceFor = (inputSize: number): RenderAllowance => ({
  steps: 200_000,
  work: 2_000_000 + 20 * inputSize,
  created: 1_000_000 + 4 * inputSize,
  milliseconds: 100,
});

/** Characters and entries of a value, nested ones included. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 1;
  let size = 1;
  for (const entry of entriesOf(value)) size += sizeOf(entry);
  return size;
}

const entriesOf = (value: object): unknown[] =>
  Array.isArray(value) ? value : Object.values(value);

const usage = process.threadCpuUsage ?? process.cpuUsage;

/** Milliseconds this thread has computed for: what other processes take of the machine is no template's fault. */
function computed(): number {
  const { user, system } = usage();
  return (user + system) / 1_000;
}

/**
 * Counts what a rendering uses up and ends it with an error when that is too much. It stands in the place of LiquidJS's
 * own `renderLimit` and `memoryLimit`: those leave out captured and printed text, and operators, so that a few lines can
 * still fill the memory by doubling.
 */
export class RenderMeter {
  readonly #left: RenderAllowance;
  readonly #startedAt = computed();

  constructor(allowance: RenderAllowance) {
    this.#left = { ...allowance };
  }

  static of(context: Context): RenderMeter {
    return context.memoryLimit as unknown as RenderMeter;
  }

  asLimiter(): Context['memoryLimit'] {
    return this as unknown as Context['memoryLimit'];
  }

  /** LiquidJS calls it for each node as `renderLimit`: those are steps already. */
  check(): void {}

  step(): void {
    this.#left.steps -= 1;
    if (this.#left.steps < 0) {
      throw new Error('the template takes too many steps: shorten its loops and conditions');
    }
    // Asking for the time takes 1 µs, as three steps do.
    if (this.#left.steps % 100 > 0) return;
    if (computed() - this.#startedAt > this.#left.milliseconds) {
      throw new Error('the template takes too long to render');
    }
  }

  /** LiquidJS's filters call it as `memoryLimit`. */
  use(count: number): void {
    if (count > 0) this.#left.created -= count;
    if (this.#left.created < 0) {
      throw new Error('the template makes too much text out of its variables');
    }
  }

  work(count: number): void {
    this.#left.work -= count;
    if (this.#left.work < 0) throw new Error('the template works too long on its variables');
  }

  /** As `work(sizeOf(value))`, but counting on the way: a list that holds itself many times over has no end. */
  workOn(value: unknown): void {
    if (typeof value !== 'object' || value === null) {
      this.work(typeof value === 'string' ? value.length : 1);
      return;
    }
    this.work(1);
    for (const entry of entriesOf(value)) this.workOn(entry);
  }
}

/** Collects printed text, on the meter. */
export class MeteredEmitter implements Emitter {
  buffer = '';
  readonly #meter: RenderMeter;

  constructor(meter: RenderMeter) {
    this.#meter = meter;
  }

  write(value: unknown): void {
    if (Array.isArray(value)) {
      this.#meter.work(1);
      for (const entry of value) this.write(entry);
      return;
    }
    const text = printed(value);
    this.#meter.use(text.length);
    this.#meter.work(1);
    this.buffer += text;
  }
}

/** How a single value stands in the text; throws for what would come out as nothing or as "[object Object]". */
function printed(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) {
    throw new Error(
      'there is nothing to print: guard it with {% if … %} or give it | default: "…"',
    );
  }
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object') {
    throw new Error('an object cannot be printed: name one of its fields, or add | json');
  }
  return String(value);
}
