import { DomainError, isDomainError } from '../../kernel/errors.ts';
import type { RunEvent, RunEventBody } from '../../kernel/events.ts';
import type { RunOutcome } from '../../kernel/hooks.ts';
import type { DisconnectPolicy } from '../../kernel/run.ts';
import type { UsageTag } from '../../ledger/ledger.ts';
import type { LogOwner } from '../log/log-batch.ts';
import type { LogWriter } from '../log/log-writer.ts';
import { RunLog } from '../log/run-log.ts';
import type { NewRun, RunPatch } from '../log/run-rows.ts';
import type { RunRecord } from '../runs.ts';

/** Why a run was stopped from outside: the reason its AbortSignal carries. */
export const cancelled = (): DomainError =>
  new DomainError('RUN_CANCELLED', 'The run was cancelled. What it had said until then is kept.');
export const timedOut = (): DomainError =>
  new DomainError(
    'MODEL_TIMEOUT',
    'The run did not finish within its timeoutMs. Allow more time or ask for less.',
  );
export const interrupted = (): DomainError =>
  new DomainError(
    'RUN_INTERRUPTED',
    'The server that executed the run stopped. What had come is kept: run it again.',
  );

export const unstored = (): DomainError =>
  new DomainError(
    'RUN_INTERRUPTED',
    'The database cannot be reached just now, so nothing was begun: try again.',
  );

/** How long a new run that has said nothing may be without its row before its caller is told that nothing comes of it. */
const storedWithinMs = 3_000;
const pollMs = 500;

const isSaid = ({ type }: RunEvent): boolean => type === 'TextDelta' || type === 'ThinkingDelta';

/** A bound on what several runs may cost together, in US dollars, kept under the first one's id. */
export interface Envelope {
  runId: string;
  limit: string;
}

export interface LiveRunOptions {
  row: NewRun;
  record: RunRecord;
  epoch: number;
  writer: LogWriter;
  history?: readonly RunEvent[];
  /** The run that this one works for, while it is live here too: its end ends this one. */
  parent?: LiveRun | undefined;
  /** The bound on the cost that this run shares with the run that it works for. */
  envelope?: Envelope | null;
  /** Called for every event, after the readers. Left out when nobody listens. */
  onEvent?: ((event: RunEvent, run: LiveRun) => void) | undefined;
  /** Called once, when the run has ended here and its end is stored. */
  onEnd?: ((outcome: RunOutcome, run: LiveRun) => void) | undefined;
}

/** A run that this server executes: its row, its log, and the one signal that stops everything done for it. */
export class LiveRun implements LogOwner {
  readonly row: NewRun;
  readonly record: RunRecord;
  readonly epoch: number;
  readonly log: RunLog;
  readonly #writer: LogWriter;
  readonly #abort = new AbortController();
  readonly #ended = Promise.withResolvers<RunRecord>();
  #deadline: NodeJS.Timeout | null = null;
  readonly #sharedEnvelope: Envelope | null;
  readonly #onEvent: LiveRunOptions['onEvent'];
  readonly #onEnd: LiveRunOptions['onEnd'];
  #fenced = false;
  #handedOver = false;
  #suspended = false;

  constructor(options: LiveRunOptions) {
    const { row, record, epoch, writer, history = [], parent, envelope } = options;
    this.row = row;
    this.record = record;
    this.epoch = epoch;
    this.#writer = writer;
    this.#onEvent = options.onEvent;
    this.#onEnd = options.onEnd;
    this.log = new RunLog(row.id, history, epoch > 1);
    this.#sharedEnvelope = envelope ?? null;
    parent?.signal.addEventListener('abort', () => this.stop(parent.signal.reason), { once: true });
    if (parent?.signal.aborted) this.stop(parent.signal.reason);
    if (row.status !== 'QUEUED') this.#armDeadline();
  }

  get id(): string {
    return this.row.id;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get policy(): DisconnectPolicy {
    return this.row.onDisconnect;
  }

  /** The record once the run has ended, waits for an approval, or is another server's. */
  get ended(): Promise<RunRecord> {
    return this.#ended.promise;
  }

  /** True once a word or a thought of a model was told. */
  get hasSpoken(): boolean {
    return this.log.events.some(isSaid);
  }

  get serverId(): string {
    return this.row.serverId;
  }

  /** True when the run waits for a person. Whoever goes on with it makes it live anew. */
  get suspended(): boolean {
    return this.#suspended;
  }

  /** True when the run is not this server's to end: another has it, or is to get it. */
  get leaving(): boolean {
    return this.#fenced || this.#handedOver;
  }

  /** True once another server has taken the run over. */
  get fenced(): boolean {
    return this.#fenced;
  }

  get tag(): UsageTag {
    const { id: runId, requestId, userId, apiKeyId, kind } = this.row;
    const { promptVersionId, promptName, experimentId, variant } = this.record;
    const who = { runId, requestId, userId, apiKeyId, kind };
    return { ...who, promptVersionId, promptName, experimentId, variant };
  }

  /** What the run and its sub-agents may cost together. A sub-agent draws from its parent's. */
  get envelope(): Envelope | null {
    const { maxCost, id } = this.row;
    return this.#sharedEnvelope ?? (maxCost === null ? null : { runId: id, limit: maxCost });
  }

  /** Stores the row, without holding the run up. */
  create(): void {
    const stored = this.#writer.create(this.row);
    const look = () => {
      if (this.hasSpoken) return;
      if (this.#writer.stuck) this.#refuse(unstored());
      else timer = setTimeout(look, pollMs);
    };
    let timer = setTimeout(look, storedWithinMs);
    void stored.then(() => clearTimeout(timer));
  }

  append(body: RunEventBody): void {
    this.log.append(body);
    this.#writer.touch(this);
    if (this.#onEvent && this.log.events.length > 0) this.#onEvent(this.log.events.at(-1)!, this);
  }

  /** Resolves when everything appended until now is stored. Throws once another server has the run. */
  async durable(): Promise<void> {
    await this.#writer.stored(this);
    if (this.#fenced) throw interrupted();
  }

  /** Changes the row, and the record with it. */
  async patch(patch: RunPatch): Promise<void> {
    Object.assign(this.record, patch);
    await this.#writer.change(this, patch, null);
    if (this.#fenced) throw interrupted();
  }

  /** A queued run begins: its time is counted from now on. */
  async beginQueued(continuesRunId: string | null): Promise<void> {
    const waitedMs = Date.now() - this.row.createdAt.getTime();
    const deadlineAt = new Date(this.row.deadlineAt.getTime() + waitedMs);
    const begun = { status: 'RUNNING', continuesRunId } as const;
    Object.assign(this.row, { ...begun, deadlineAt });
    Object.assign(this.record, begun);
    this.#armDeadline();
    await this.patch({ ...begun, deadlineAt });
  }

  /** Stops whatever is being done for the run; the loop then ends it. A second reason changes nothing. */
  stop(reason: DomainError): void {
    this.#abort.abort(reason);
  }

  /** The end: the rest of the log, the last event and the final row are stored as one, then told. */
  async end(patch: RunPatch, last: RunEventBody): Promise<void> {
    const { createdAt } = this.row;
    const finishedAt = new Date();
    const final = { ...patch, finishedAt, durationMs: finishedAt.getTime() - createdAt.getTime() };
    const lastEvent = this.log.prepare(last);
    await this.#writer.change(this, final, lastEvent);
    if (!this.#fenced) {
      Object.assign(this.record, final);
      this.#onEvent?.(lastEvent, this);
      this.#onEnd?.(outcomeOf(this.record), this);
    }
    this.#letGo();
  }

  /** Ends the run with an error: cancelled, or failed with what it tells. Unexpected errors are told as interruptions. */
  async fail(error: unknown, patch: RunPatch = {}): Promise<void> {
    if (this.#handedOver) return this.#leaveToAnother();
    const reason = this.signal.aborted ? this.signal.reason : error;
    const known = isDomainError(reason) ? reason : interrupted();
    const status = known.code === 'RUN_CANCELLED' ? 'CANCELLED' : 'FAILED';
    const stored = known.toJSON();
    await this.end({ ...patch, status, error: stored }, { type: 'RunFailed', error: stored });
  }

  /** The run waits for a person: nothing of it stays in memory. */
  async suspend(): Promise<void> {
    await this.patch({ status: 'WAITING_FOR_APPROVAL' });
    this.#suspended = true;
    this.#letGo();
  }

  /** This server stops: what is being done is broken off, and the run left, as its log tells, to whoever takes it over. */
  handOver(): void {
    this.#handedOver = true;
    this.stop(interrupted());
  }

  onFenced(): void {
    if (this.#fenced) return;
    this.#fenced = true;
    this.stop(interrupted());
    this.#letGo();
  }

  /** Whoever waits for the run is told at once; its end is stored whenever the database is back. */
  #refuse(error: DomainError): void {
    this.stop(error);
    this.log.fail(error);
    this.#ended.promise.catch(() => {});
    this.#ended.reject(error);
  }

  async #leaveToAnother(): Promise<void> {
    await this.#writer.stored(this);
    this.#fenced = true;
    this.#letGo();
  }

  #letGo(): void {
    if (this.#deadline) clearTimeout(this.#deadline);
    this.log.close();
    this.#ended.resolve(this.record);
  }

  #armDeadline(): void {
    const left = this.row.deadlineAt.getTime() - Date.now();
    this.#deadline = setTimeout(() => this.stop(timedOut()), Math.max(0, left));
    this.#deadline.unref();
  }
}

/** Of a run that has ended. */
function outcomeOf({ status, model, error, durationMs }: RunRecord): RunOutcome {
  return { status: status as RunOutcome['status'], model, error, durationMs: durationMs ?? 0 };
}
