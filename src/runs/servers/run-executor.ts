import { newId } from '../../data/new-id.ts';
import type { Caller } from '../../kernel/access/principal.ts';
import { DomainError } from '../../kernel/errors.ts';
import type { HookContext } from '../../kernel/hooks.ts';
import type { RunKind } from '../../kernel/run.ts';
import type { AgentInput } from '../agent/agent-input.ts';
import { runAgentLoop } from '../agent/agent-loop.ts';
import { failRun } from '../live/fail-run.ts';
import { cancelled, interrupted, LiveRun, type LiveRunOptions } from '../live/live-run.ts';
import type { LiveRuns } from '../live/live-runs.ts';
import { newRecord, newRun } from '../log/new-run.ts';
import type { RunServices } from '../run-services.ts';
import type { RunOptions } from '../runs.ts';
import { type Adoptable, type AdoptedRun, adoptRuns } from './adopt-runs.ts';

interface Beginning {
  id?: string;
  kind: RunKind;
  owner: Omit<Caller, 'actsForUsers'>;
  input: unknown;
  model: string;
  options: RunOptions;
  agent?: string;
  parent?: LiveRun;
}

/** Puts runs to work on this server: new ones, and those taken over. */
export class RunExecutor {
  readonly #services: RunServices;
  readonly #liveRuns: LiveRuns;
  readonly #serverId: string;
  #adopting: Promise<void> = Promise.resolve();

  constructor(services: RunServices, liveRuns: LiveRuns, serverId: string) {
    this.#services = services;
    this.#liveRuns = liveRuns;
    this.#serverId = serverId;
  }

  /** Begins a run; `loop` carries it out and ends it. */
  begin(beginning: Beginning, loop: (run: LiveRun) => Promise<void>): LiveRun {
    const { kind, owner, input, model, options, agent, parent } = beginning;
    const row = newRun({
      id: beginning.id ?? newId(),
      kind,
      input,
      model,
      options,
      serverId: this.#serverId,
      owner,
      ...(agent === undefined ? {} : { agent }),
      parent: parent?.row,
    });
    const envelope = parent?.envelope ?? null;
    const run = this.#live({ row, record: newRecord(row), epoch: 1, parent, envelope });
    run.create();
    this.#liveRuns.execute(run, () => loop(run));
    return run;
  }

  beginAgent(beginning: Omit<Beginning, 'kind'> & { input: AgentInput }): LiveRun {
    const agent = beginning.input.agent;
    return this.begin({ ...beginning, kind: 'AGENT', agent }, (run) =>
      this.#runAgent(run, beginning.input),
    );
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

  /** Goes on with a run that was another server's, or waited: agents from their log, anything else ends here. */
  #resume(adopted: AdoptedRun): void {
    const { row, record, epoch, history, cancelRequested } = adopted;
    const envelope = (row.input as Partial<AgentInput> | null)?.envelope ?? null;
    const run = this.#live({ row, record, epoch, history, envelope });
    if (cancelRequested) run.stop(cancelled());
    this.#services.log.info({ runId: run.id, kind: row.kind, epoch }, 'run taken over');
    this.#liveRuns.execute(run, async () => {
      if (row.kind === 'AGENT') return this.#runAgent(run, row.input as AgentInput);
      const text = history.map((event) => (event.type === 'TextDelta' ? event.text : '')).join('');
      await failRun(run, { error: interrupted(), patch: { text } }, this.#services);
    });
  }

  async #runAgent(run: LiveRun, input: AgentInput): Promise<void> {
    const agent = this.#services.registry.agents.get(input.agent);
    if (agent) {
      await runAgentLoop({ run, agent, input }, this.#services);
      if (run.suspended) await this.#lookAgain(run);
      return;
    }
    const error = new DomainError(
      'AGENT_NOT_FOUND',
      `No plugin of this server brings the agent "${input.agent}".`,
    );
    await failRun(run, { error, patch: {} }, this.#services);
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
