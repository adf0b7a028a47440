import type { Database } from '../data/database.ts';
import { newId } from '../data/new-id.ts';
import { DomainError } from '../kernel/errors.ts';
import type { RegisteredHooks } from '../kernel/hooks.ts';
import type { Log } from '../kernel/log.ts';
import type { Prices } from '../kernel/prices.ts';
import type { Caller } from '../kernel/principal.ts';
import { type Reach, reaches } from '../kernel/reach.ts';
import type { Registry } from '../kernel/registry/registry.ts';
import type { Knowledge } from '../knowledge/knowledge.ts';
import { parseMetadataFilter } from '../knowledge/search/metadata-filter.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { SingleFlight } from '../model/cache/single-flight.ts';
import type { Models, ResponseCache } from '../model/models.ts';
import type { Prompts } from '../prompts/prompts.ts';
import { ApprovalStream } from './agent/approval-stream.ts';
import { createApprovals } from './agent/approvals.ts';
import { startAgent } from './agent/start-agent.ts';
import { runAnswer } from './answer.ts';
import type { CacheScope } from './calls/cached-call.ts';
import { runCompletion } from './completion.ts';
import { claimRun, releaseKey } from './idempotency.ts';
import { runIngest } from './ingest.ts';
import { unstored } from './live/live-run.ts';
import { LiveRuns } from './live/live-runs.ts';
import { RemoteReaders } from './live/remote-readers.ts';
import { RunHooks } from './live/run-hooks.ts';
import { LogWriter } from './log/log-writer.ts';
import { readAllStoredEvents } from './log/stored-events.ts';
import { completedAnswer } from './reading/completed-answer.ts';
import { findRun } from './reading/find-run.ts';
import { createRunHandles } from './reading/run-handles.ts';
import { isPublic } from './reading/run-reader.ts';
import { findReranker, rerankWith } from './rerank.ts';
import type { RunServices } from './run-services.ts';
import type { RunHandle, RunOptions, Runs } from './runs.ts';
import { readScores, storeScore } from './scores.ts';
import { Deployment } from './servers/deployment.ts';
import { RunCanceller } from './servers/run-canceller.ts';
import { RunExecutor } from './servers/run-executor.ts';
import { createSubAgents } from './servers/sub-agents.ts';
import { callTool } from './tools/call-tool.ts';

export interface RunsOptions {
  database: Database;
  models: Models;
  cache: ResponseCache;
  /** Default "user". */
  cacheScope?: CacheScope;
  prompts: Prompts;
  knowledge: Knowledge;
  ledger: Ledger;
  registry: Registry;
  prices: Prices;
  /** Called in this order. */
  hooks: readonly RegisteredHooks[];
  serverId: string;
  version: string;
  log: Log;
  disconnectGraceMs: number;
  /** How long another server may be silent before it counts as dead. Default 20,000. */
  leaseMs?: number;
}

/** The runs of this server, and its part in looking after those of servers that died. Joins the deployment first. */
export async function createRuns(options: RunsOptions): Promise<Runs> {
  const { database, ledger, models, serverId, version, log, registry } = options;
  const remoteReaders = new RemoteReaders(database, options.disconnectGraceMs);
  const liveRuns = new LiveRuns({
    graceMs: options.disconnectGraceMs,
    log,
    remoteSilenceMs: database.kind === 'embedded' ? null : remoteReaders.silenceMs,
  });
  const handles = createRunHandles({ database, liveRuns, remoteReaders });
  const approvals = createApprovals(database, registry);
  const writer = new LogWriter({ database, log });
  const services: RunServices = {
    cacheScope: 'user',
    ...options,
    writer,
    approvals,
    sharedCalls: new SingleFlight(),
    hooks: new RunHooks(options.hooks, log),
    subAgents: createSubAgents({
      ...options,
      handles,
      executor: () => executor,
      canceller: () => canceller,
    }),
  };
  const executor = new RunExecutor(services, liveRuns, serverId);
  const canceller = new RunCanceller({ database, liveRuns, executor, handles });
  let draining = false;
  const deployment = new Deployment({
    database,
    serverId,
    version,
    log,
    ...(options.leaseMs === undefined ? {} : { leaseMs: options.leaseMs }),
    takeOver: async (ofServers) => {
      await ledger.settleHoldsOf(ofServers);
      await executor.adopt({ ofServers });
    },
    onBeat: async (leaseMs) => {
      if (draining) return;
      await executor.adopt({ decided: 'all' });
      await executor.adoptLost(leaseMs);
    },
  });
  await deployment.join();

  /** The first caller of an idempotency key begins the run, the others join it. */
  const once = async (
    { request, run: begin }: { request: { options?: RunOptions | null }; run(id: string): void },
    caller: Caller,
  ): Promise<RunHandle> => {
    if (draining)
      throw new DomainError('RUN_INTERRUPTED', 'This server is shutting down: try again.');
    if (writer.stuck) throw unstored();
    const { idempotencyKey: key, ...rest } = request.options ?? {};
    if (key == null) {
      const id = newId();
      begin(id);
      return handles.open(id);
    }
    const { userId } = caller;
    const claim = { userId, key, input: { ...request, options: rest } };
    const { runId, isNew } = await claimRun(database, claim, (id) => Boolean(liveRuns.get(id)));
    try {
      if (isNew) begin(runId);
    } catch (error) {
      await releaseKey(database, { userId, key, runId });
      throw error;
    }
    return handles.open(runId);
  };
  const reachable = async (runId: string, caller: Caller, reach: Reach) => {
    const record = liveRuns.get(runId)?.record ?? (await findRun(database, runId));
    return record && reaches(caller, reach, record.userId) ? record : null;
  };
  const mustReach = async (runId: string, caller: Caller, reach: Reach) => {
    const record = await reachable(runId, caller, reach);
    if (!record) throw new DomainError('RUN_NOT_FOUND', 'There is no such run.');
    return record;
  };

  let drained: Promise<void> | undefined;
  const drain = async (deadline: Date): Promise<void> => {
    draining = true;
    await liveRuns.drain(deadline);
    await writer.flush();
    handles.close();
    canceller.stop();
    await deployment.leave();
  };

  const complete: Runs['complete'] = async (request, caller) => {
    const { options } = request;
    const model = request.model ?? models.resolve(null);
    const beginning = { kind: 'COMPLETION', owner: caller, input: request, model } as const;
    const run = (id: string) =>
      executor.begin({ id, ...beginning, options: options ?? {} }, (live) =>
        runCompletion(live, request, services),
      );
    return once({ request, run }, caller);
  };

  return {
    complete,
    async answer(request, caller) {
      parseMetadataFilter(request.filter);
      if (request.rerank != null) findReranker(request.rerank, registry);
      const { options } = request;
      const model = request.model ?? models.resolve(null);
      const beginning = { kind: 'ANSWER', owner: caller, input: request, model } as const;
      const run = (id: string) =>
        executor.begin({ id, ...beginning, options: options ?? {} }, (live) =>
          runAnswer(live, request, services),
        );
      return once({ request, run }, caller);
    },
    async runAgent(request, caller) {
      const start = startAgent(request, { registry, models });
      return once(
        { request, run: (id) => executor.beginAgent({ id, owner: caller, ...start }) },
        caller,
      );
    },
    async ingest(request, caller) {
      const { collection, documents, options } = request;
      // Not the texts: they are stored as documents, and nobody but its caller goes on with an ingest.
      const input = { collection, documents: documents.length };
      const beginning = { kind: 'EMBEDDING', owner: caller, input, model: '' } as const;
      const run = (id: string) =>
        executor.begin({ id, ...beginning, options: options ?? {} }, (live) =>
          runIngest(live, request, services),
        );
      return once({ request, run }, caller);
    },
    callTool: (request, caller) => callTool(request, caller, services),
    rerank({ reranker, query, signal = new AbortController().signal }, caller) {
      return rerankWith(findReranker(reranker, registry), {
        query,
        signal,
        log,
        promptAnswer: async (named) =>
          completedAnswer(await complete({ prompt: { named } }, caller), signal),
      });
    },
    async join(runId, caller) {
      await mustReach(runId, caller, 'content');
      return handles.open(runId);
    },
    get: (runId, caller) => reachable(runId, caller, 'runs'),
    async cancel(runId, caller) {
      await mustReach(runId, caller, 'cancel');
      return canceller.cancel(runId);
    },
    storedEvents: async (runIds) => {
      const stored = await readAllStoredEvents(database, runIds);
      return runIds.map((runId, index) => {
        const live = liveRuns.get(runId);
        return (live ? live.log.read(0) : stored[index]!).filter(isPublic);
      });
    },
    approvals: (runIds) => approvals.ofTrees(runIds),
    approvalsById: (ids) => approvals.byId(ids),
    pendingApprovals: (request) => approvals.pending(request),
    approvalRequests: () => new ApprovalStream(database, approvals),
    async decideApproval(input, caller) {
      const [asked] = await approvals.byId([input.approvalId]);
      if (!asked || !(await reachable(asked.runId, caller, 'scores'))) {
        throw new DomainError('NOT_FOUND', 'There is no such approval.');
      }
      const decided = await approvals.decide(input, caller);
      await executor.adopt({ waiting: [decided.runId] });
      return decided;
    },
    async score({ runId, name, value, comment = null }, caller) {
      await mustReach(runId, caller, 'scores');
      return storeScore(database, { runId, name, value, comment, userId: caller.userId });
    },
    scoresById: (ids) => readScores(database, ids),
    openStreams: () => handles.openStreams(),
    drain: (deadline) => (drained ??= drain(deadline)),
  };
}
