import { reaches } from '../kernel/access/reach.ts';
import { DomainError } from '../kernel/errors.ts';
import { isPublic } from '../kernel/events.ts';
import type { ApprovalRecord } from '../kernel/run.ts';
import { turnEvents, turnsSoFar } from './agent/agent-state.ts';
import { ApprovalStream } from './agent/approval-stream.ts';
import { estimateCost } from './calls/estimate-cost.ts';
import { ConversationStore } from './conversation/conversation-store.ts';
import { sentMessages } from './conversation/sent-messages.ts';
import { listRuns } from './listing/list-runs.ts';
import { readSubRuns, unfinishedRuns } from './log/run-rows.ts';
import { readAllStoredEvents } from './log/stored-events.ts';
import { purgeContent } from './purge-content.ts';
import { reachableRun, requireRun } from './reading/run-access.ts';
import { createRunParts, type RunParts } from './run-parts.ts';
import type { Runs } from './runs.ts';
import type { RunsOptions } from './runs-options.ts';
import { readScores, readScoresOf, storeScore } from './scores.ts';
import { Deployment } from './servers/deployment.ts';
import { RunStarts } from './starts/run-starts.ts';
import { callTool } from './tools/call-tool.ts';

/** The runs of this server, and its part in looking after those of servers that died. Joins the deployment first. */
export async function createRuns(options: RunsOptions): Promise<Runs> {
  const parts = createRunParts(options);
  const starts = new RunStarts(parts);
  const deployment = createDeployment(options, parts, starts);
  await deployment.join();
  const drain = async (deadline: Date): Promise<void> => {
    starts.close();
    await parts.liveRuns.drain(deadline);
    await parts.services.writer.flush();
    parts.handles.close();
    parts.canceller.stop();
    await deployment.leave();
  };
  let drained: Promise<void> | undefined;
  return {
    complete: (request, caller) => starts.complete(request, caller),
    answer: (request, caller) => starts.answer(request, caller),
    runAgent: (request, caller) => starts.runAgent(request, caller),
    ingest: (request, caller) => starts.ingest(request, caller),
    rerank: (request, caller) => starts.rerank(request, caller),
    estimateCost: (request, caller) => estimateCost(request, caller, parts.services),
    callTool: (request, caller) => callTool(request, caller, parts.services),
    ...runOperations(parts),
    ...approvalOperations(parts),
    ...conversationOperations(parts),
    openStreams: () => parts.handles.openStreams,
    drain: (deadline) => (drained ??= drain(deadline)),
  };
}

function createDeployment(
  { database, serverId, version, log, leaseMs, ledger }: RunsOptions,
  { executor }: RunParts,
  starts: RunStarts,
): Deployment {
  return new Deployment({
    database,
    serverId,
    version,
    log,
    leaseMs,
    takeOver: async (ofServers) => {
      await ledger.settleHoldsOf(ofServers);
      await executor.adopt({ ofServers });
    },
    onBeat: async (lease) => {
      if (starts.closed) return;
      await executor.adopt({ decided: 'all' });
      await executor.adoptLost(lease);
    },
  });
}

type RunOperations = Pick<
  Runs,
  | 'join'
  | 'get'
  | 'list'
  | 'subRuns'
  | 'cancel'
  | 'cancelAll'
  | 'storedEvents'
  | 'turns'
  | 'score'
  | 'scoresById'
  | 'scoresOf'
>;

/** What is done with runs that have begun. */
function runOperations(parts: RunParts): RunOperations {
  const { handles, canceller, liveRuns } = parts;
  const { database } = parts.services;
  return {
    async join(runId, caller) {
      await requireRun(runId, { caller, reach: 'content' }, parts);
      return handles.open(runId);
    },
    get: (runId, caller) => reachableRun(runId, { caller, reach: 'runs' }, parts),
    list: (request) => listRuns(database, request),
    subRuns: (runIds) => readSubRuns(database, runIds),
    async cancel(runId, caller) {
      await requireRun(runId, { caller, reach: 'cancel' }, parts);
      return canceller.cancel(runId);
    },
    async cancelAll(of) {
      const live = liveRuns.of(of).map(({ id }) => id);
      const ids = [...new Set([...live, ...(await unfinishedRuns(database, of))])];
      await Promise.all(ids.map((id) => canceller.request(id)));
      return ids.length;
    },
    async storedEvents(runIds) {
      const stored = await readAllStoredEvents(database, runIds);
      return runIds.map((runId, index) => {
        const live = liveRuns.get(runId);
        return (live ? live.log.read(0) : stored[index]!).filter(isPublic);
      });
    },
    async turns(runIds) {
      const stored = await readAllStoredEvents(database, runIds, turnEvents);
      return runIds.map((runId, index) =>
        turnsSoFar(liveRuns.get(runId)?.log.read(0) ?? stored[index]!),
      );
    },
    async score({ runId, name, value, comment = null }, caller) {
      await requireRun(runId, { caller, reach: 'scores' }, parts);
      return storeScore(database, { runId, name, value, comment, userId: caller.userId });
    },
    scoresById: (ids) => readScores(database, ids),
    scoresOf: (runIds) => readScoresOf(database, runIds),
  };
}

type ApprovalOperations = Pick<
  Runs,
  | 'approvals'
  | 'approvalsById'
  | 'pendingApprovals'
  | 'approvalRequests'
  | 'mayDecide'
  | 'decideApproval'
>;

function approvalOperations(parts: RunParts): ApprovalOperations {
  const { database, approvals } = parts.services;
  return {
    approvals: (runIds) => approvals.ofTrees(runIds),
    approvalsById: (ids) => approvals.byId(ids),
    pendingApprovals: (request, caller) => approvals.pending(request, caller),
    approvalRequests: (caller) => new ApprovalStream(database, approvals, caller),
    mayDecide: (approval, caller) => approvals.mayDecide(approval, caller),
    async decideApproval(input, caller) {
      const [asked] = await approvals.byId([input.approvalId]);
      const mayDecide = asked != null && approvals.mayDecide(asked, caller);
      if (!asked || !(mayDecide || reaches(caller, 'content', asked.ownerId))) {
        throw new DomainError('NOT_FOUND', 'There is no such approval.');
      }
      if (!mayDecide) throw notAnApprover(asked);
      const decided = await approvals.decide(input, caller);
      await parts.executor.adopt({ waiting: [decided.runId] });
      return decided;
    },
  };
}

const notAnApprover = ({ tool }: ApprovalRecord): DomainError =>
  new DomainError(
    'FORBIDDEN',
    `You may not decide on calls of the tool "${tool}": ask one of its approvers, or an admin.`,
  );

type ConversationOperations = Pick<Runs, 'conversations' | 'deleteConversation' | 'messages'>;

function conversationOperations(parts: RunParts): ConversationOperations {
  const { services, liveRuns, canceller } = parts;
  const { database } = services;
  const conversations = new ConversationStore(database);
  return {
    conversations,
    messages: (runIds) => sentMessages(runIds, (id) => liveRuns.get(id), services),
    async deleteConversation(id) {
      const [conversation] = await conversations.byId([id]);
      if (!conversation) return null;
      await database.query('DELETE FROM "Conversation" WHERE id = $1', [id]);
      const unfinished = await database.query<{ id: string }>(
        'SELECT id FROM "Run" WHERE "conversationId" = $1 AND "finishedAt" IS NULL',
        [id],
      );
      for (const run of unfinished) await canceller.cancelUnlessOver(run.id);
      await purgeContent(database, { conversationId: id });
      return conversation;
    },
  };
}
