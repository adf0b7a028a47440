import type { RunEvent, RunEventBody } from '../../kernel/events.ts';
import { behind, lengthOf, mergeEvents } from './merge-events.ts';

/**
 * A run's former server may have told more than it stored before it died, and clients have cursors behind that. What its
 * next server appends begins beyond any such cursor: so none of them skips what is told anew.
 */
const takeoverGap = 1 << 20;

/**
 * The log of one run that is live on this server. Appending wakes the readers at once; persisting happens elsewhere
 * (`LogWriter`) and only ever reads `unwritten`. Text is kept well-formed: a surrogate pair that the provider split over
 * two deltas is put together again before it is appended.
 */
export class RunLog {
  readonly runId: string;
  #events: RunEvent[];
  #end: number;
  #written: number;
  #gap: number;
  #carry: { type: 'TextDelta' | 'ThinkingDelta'; text: string } | null = null;
  #closed = false;
  #failure: Error | null = null;
  #waiting: (() => void)[] = [];

  /** `history`: what is stored of a run that this server goes on with, `takenOver` from another or not. */
  constructor(runId: string, history: readonly RunEvent[] = [], takenOver = false) {
    this.runId = runId;
    this.#gap = takenOver ? takeoverGap : 0;
    this.#events = mergeEvents(history);
    this.#end = this.#events.at(-1)?.position ?? 0;
    this.#written = this.#end;
  }

  /** Where the last event ended. */
  get end(): number {
    return this.#end;
  }

  /** True when no event will follow: the run has ended here, or is another server's now. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Why its readers can't be told how the run ends. */
  get failure(): Error | null {
    return this.#failure;
  }

  get events(): readonly RunEvent[] {
    return this.#events;
  }

  append(body: RunEventBody): void {
    if (this.#closed) return;
    if (body.type === 'TextDelta' || body.type === 'ThinkingDelta') {
      if (this.#carry && this.#carry.type !== body.type) this.#releaseCarry();
      const text = (this.#carry?.text ?? '') + body.text;
      this.#carry = null;
      const whole = endsInHalfPair(text) ? text.slice(0, -1) : text;
      if (whole.length < text.length) this.#carry = { type: body.type, text: text.slice(-1) };
      if (whole.length > 0) this.#push({ ...body, text: storable(whole) });
      return;
    }
    this.#releaseCarry();
    this.#push(body);
  }

  /** Forms the event that would come next without telling anyone: the last one is told only once it is stored. */
  prepare(body: RunEventBody): RunEvent {
    this.#releaseCarry();
    return this.#formed(body);
  }

  /** Appends what `prepare` formed. */
  publish(event: RunEvent): void {
    if (event.position - event.length !== this.#end + this.#gap)
      throw new Error('the log moved on');
    this.#add(event);
  }

  fail(error: Error): void {
    this.#failure = error;
    this.close();
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** Everything behind a position, neighbouring deltas merged; empty when the reader is up to date. */
  read(after: number): RunEvent[] {
    const first = this.#firstBehind(after);
    if (first === this.#events.length) return [];
    const merged = mergeEvents(this.#events.slice(first));
    const head = behind(merged[0]!, after);
    return head ? [head, ...merged.slice(1)] : merged.slice(1);
  }

  /** Calls back once, when there is something behind what was last read or the log is closed. */
  whenChanged(wake: () => void): void {
    this.#waiting.push(wake);
  }

  /** What the database has not got yet, merged. */
  unwritten(): RunEvent[] {
    return this.#written === this.#end ? [] : this.read(this.#written);
  }

  /** Tells that everything up to `position` is stored; what is stored is kept merged, to be small. */
  markWritten(position: number): void {
    this.#written = Math.max(this.#written, position);
    const kept = this.#firstBehind(this.#written);
    if (kept > 64)
      this.#events = [...mergeEvents(this.#events.slice(0, kept)), ...this.#events.slice(kept)];
  }

  #releaseCarry(): void {
    const carry = this.#carry;
    this.#carry = null;
    if (carry) this.#push({ ...carry, text: storable(carry.text) });
  }

  #push(body: RunEventBody): void {
    this.#add(this.#formed(body));
  }

  #formed(body: RunEventBody): RunEvent {
    const length = lengthOf(body);
    const position = this.#end + this.#gap + length;
    return { ...body, runId: this.runId, position, length, at: new Date() };
  }

  #add(event: RunEvent): void {
    this.#gap = 0;
    this.#events.push(event);
    this.#end = event.position;
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  #firstBehind(position: number): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.position <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function endsInHalfPair(text: string): boolean {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff;
}

/** Postgres stores neither half a surrogate pair nor NUL in json; both become U+FFFD, of the same length. */
function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}
