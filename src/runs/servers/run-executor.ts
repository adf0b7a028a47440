import { newId } from '../../data/new-id.ts';
import type { Caller } from '../../kernel/access/principal.ts';
import type { HookContext } from '../../kernel/hooks.ts';
import type { RunKind } from '../../kernel/run.ts';
import type { AgentInput } from '../agent/agent-input.ts';
import { failRun } from '../live/fail-run.ts';
import { cancelled, interrupted, LiveRun, type LiveRunOptions } from '../live/live-run.ts';
import type { LiveRuns } from '../live/live-runs.ts';
import { newRecord, newRun } from '../log/new-run.ts';
import type { NewRun } from '../log/run-rows.ts';
import type { RunHandles } from '../reading/run-handles.ts';
import { runLoop } from '../run-loop.ts';
import type { RunServices } from '../run-services.ts';
import type { RunOptions } from '../runs.ts';
import { type Adoptable, type AdoptedRun, adoptRuns } from './adopt-runs.ts';
import { waitForTurn } from './wait-for-turn.ts';

export interface Beginning {
  id?: string;
  kind: RunKind;
  owner: Omit<Caller, 'actsForUsers'>;
  input: unknown;
  model: string;
  options: RunOptions;
  agent?: string;
  parent?: LiveRun;
}

type Loop = (run: LiveRun) => Promise<void>;

/** Puts runs to work on this server: new ones, and those taken over. */
export class RunExecutor {
  readonly #services: RunServices;
  readonly #liveRuns: LiveRuns;
  readonly #handles: RunHandles;
  readonly #serverId: string;
  #adopting: Promise<void> = Promise.resolve();

  constructor(options: {
    services: RunServices;
    liveRuns: LiveRuns;
    handles: RunHandles;
    serverId: string;
  }) {
    this.#services = options.services;
    this.#liveRuns = options.liveRuns;
    this.#handles = options.handles;
    this.#serverId = options.serverId;
  }

  /** The row of a run that begins here. */
  rowOf({ parent, ...beginning }: Beginning): NewRun {
    const id = beginning.id ?? newId();
    return newRun({ ...beginning, id, serverId: this.#serverId, parent: parent?.row });
  }

  /** Begins a run whose row is not stored yet. `loop` carries it out and ends it; by default as its row says. */
  begin(beginning: Beginning, loop?: Loop): LiveRun {
    const row = this.rowOf(beginning);
    const run = this.#fresh(row, beginning.parent);
    run.create();
    this.#execute(run, loop);
    return run;
  }

  /** Begins a run whose row is stored, or waits for its turn. */
  beginStored(row: NewRun): LiveRun {
    const run = this.#fresh(row);
    this.#execute(run);
    return run;
  }

  #fresh(row: NewRun, parent?: LiveRun): LiveRun {
    const envelope = parent?.envelope ?? null;
    return this.#live({ row, record: newRecord(row), epoch: 1, parent, envelope });
  }

  #execute(run: LiveRun, loop: Loop = (live) => runLoop(live, this.#services)): void {
    const { row } = run;
    this.#liveRuns.execute(run, async () => {
      if (row.status === 'QUEUED' && !(await this.#turnCame(run))) return;
      await loop(run);
      if (run.suspended) await this.#lookAgain(run);
    });
  }

  /** False when the run ended while it waited. */
  async #turnCame(run: LiveRun): Promise<boolean> {
    const services = this.#services;
    try {
      await waitForTurn(run, { handles: this.#handles, services });
      return true;
    } catch (error) {
      await failRun(run, { error, patch: {} }, services);
      return false;
    }
  }

  /** Takes runs over and goes on with them here. */
  async adopt(which: Adoptable): Promise<void> {
    await this.#adoptInTurn(() => which);
  }

  /** Goes on with runs that are this server's, older than a lease and not live here: nobody else looks after them. */
  async adoptLost(leaseMs: number): Promise<void> {
    await this.#adoptInTurn(() => ({ lost: { live: this.#liveRuns.ids, leaseMs } }));
  }

  /** One takeover at a time: what one has committed and not made live yet would be lost in another's eyes. */
  async #adoptInTurn(which: () => Adoptable): Promise<void> {
    const adopting = this.#adopting.then(async () => {
      const runs = await adoptRuns(this.#services.database, this.#serverId, which());
      for (const run of runs) this.#resume(run);
      return runs;
    });
    this.#adopting = adopting.then(
      () => undefined,
      () => undefined,
    );
    const parents = (await adopting).flatMap(({ row }) => row.parentRunId ?? []);
    // Who waits for these runs' approvals can wait for their results again.
    if (parents.length > 0) await this.adopt({ decided: parents });
  }

  /** Goes on with a run that was another server's, or waited: agents from their log; what else had begun ends here. */
  #resume(adopted: AdoptedRun): void {
    const { row, record, epoch, history, cancelRequested } = adopted;
    const envelope = (row.input as Partial<AgentInput> | null)?.envelope ?? null;
    const run = this.#live({ row, record, epoch, history, envelope });
    if (cancelRequested) run.stop(cancelled());
    this.#services.log.info({ runId: run.id, kind: row.kind, epoch }, 'run taken over');
    if (row.status === 'QUEUED' || row.kind === 'AGENT') this.#execute(run);
    else
      this.#liveRuns.execute(run, async () => {
        const text = history
          .map((event) => (event.type === 'TextDelta' ? event.text : ''))
          .join('');
        await failRun(run, { error: interrupted(), patch: { text } }, this.#services);
      });
  }

  /** What was decided after the loop had read the approvals, and before it was known that the run waits. */
  async #lookAgain(run: LiveRun): Promise<void> {
    const approvals = await this.#services.approvals.ofRun(run.id);
    const told = run.log.events.flatMap((event) =>
      event.type === 'ApprovalDecided' ? event.approvalId : [],
    );
    const news = [...approvals.values()].some(
      ({ id, status }) => status !== 'PENDING' && !told.includes(id),
    );
    await this.adopt(news ? { waiting: [run.id] } : { decided: [run.id] });
  }

  #live(options: Omit<LiveRunOptions, 'writer' | 'onEvent' | 'onEnd'>): LiveRun {
    const { writer, hooks } = this.#services;
    const onEvent: LiveRunOptions['onEvent'] = hooks.listens('onRunEvent')
      ? (event, run) => hooks.notify('onRunEvent', event, contextOf(run))
      : undefined;
    const onEnd: LiveRunOptions['onEnd'] = (outcome, run) =>
      hooks.notify('onRunEnd', outcome, contextOf(run));
    return new LiveRun({ ...options, writer, onEvent, onEnd });
  }
}

function contextOf({ row }: LiveRun): Omit<HookContext, 'signal'> {
  const { id: runId, kind, userId, requestId } = row;
  return { runId, kind, userId, requestId };
}
