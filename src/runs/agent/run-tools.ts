import type { ApprovalRecord } from '../../kernel/run.ts';
import { resultText } from '../conversation/called-turns.ts';
import { shareOf } from '../conversation/result-share.ts';
import { retryUntilAvailable } from '../reading/retry-until-available.ts';
import type { RunServices } from '../run-services.ts';
import type { AgentState, PendingCall } from './agent-state.ts';
import type { AgentWork } from './agent-work.ts';
import { decideCall } from './decide-call.ts';
import { type RunnableCall, runCall, type ToolOutcome } from './tool-call.ts';
import { windowRoom } from './window-room.ts';

/** Tools of one turn that run at the same time. */
const maxAtOnce = 8;

/**
 * Brings every pending call of the last turn to a result, as far as nobody has to be asked. Returns 'waiting' when some
 * call waits for a person; the others have run by then.
 */
export async function runTools(
  work: AgentWork,
  state: AgentState,
  services: RunServices,
): Promise<'done' | 'waiting'> {
  const { run } = work;
  const asked = await askedBy(work, services);
  tellDecisions(work, state, asked);
  const own = asked.filter(({ runId }) => runId === run.id);
  const approvals = new Map(own.map((approval) => [approval.callId, approval]));
  const finish = finishing(work, state, services);
  const runnable: RunnableCall[] = [];
  let waiting = false;
  for (const pending of state.pending) {
    const { key: callId, name: tool, input } = pending.call;
    if (!pending.started) run.append({ type: 'ToolCallStarted', callId, tool, input });
    const approval = approvals.get(callId);
    const verdict = await decideCall(work, { pending, approval }, services);
    if (verdict.kind === 'run') runnable.push(verdict.call);
    else if (verdict.kind === 'result') finish(pending, verdict.outcome);
    else {
      waiting = true;
      tellQuestion(work, state, verdict.approval);
    }
  }
  await inParallel(runnable, async (call) => {
    const outcome = await runCall(work, call, services);
    if (outcome === 'waiting') waiting = true;
    else {
      finish(call.pending, outcome);
      // At once, not with the slowest call: until it is stored, a crash makes its outcome unknown.
      await run.durable();
    }
  });
  if (waiting) await tellQuestionsBelow(work, state, services);
  await run.durable();
  return waiting ? 'waiting' : 'done';
}

/**
 * Stores results. The results of a turn are shown half of the room that the model's window has left at most, each an equal
 * share: so there is always room for more turns.
 */
function finishing(work: AgentWork, state: AgentState, services: RunServices) {
  const { run, input } = work;
  const room = Math.max(0, windowRoom(work, state, services));
  const share = room / 2 / state.pending.length;
  const tokensOf = (text: string): number => {
    const content = [{ type: 'text' as const, text }];
    const call = { messages: [{ role: 'user' as const, content }], maxTokens: input.maxTokens };
    return services.models.estimateInputTokens(call, input.chain);
  };
  return ({ call }: PendingCall, outcome: ToolOutcome): void => {
    const shown = Number.isFinite(share)
      ? { shown: shareOf(resultText(outcome.output), Math.floor(share), tokensOf) }
      : {};
    const { key: callId, name: tool } = call;
    run.append({ type: 'ToolCallFinished', callId, tool, ...outcome, ...shown });
  };
}

function tellQuestion({ run }: AgentWork, state: AgentState, approval: ApprovalRecord): void {
  if (state.toldApprovals.has(`ApprovalRequested:${approval.id}`)) return;
  run.append({ type: 'ApprovalRequested', approvalId: approval.id });
}

/** The approvals of the run, and of the sub-agents that work for it. */
const askedBy = async ({ run }: AgentWork, { approvals }: RunServices): Promise<ApprovalRecord[]> =>
  (await retryUntilAvailable(() => approvals.ofTrees([run.id]), run))[0]!;

/** Whoever follows a run that waits for a sub-agent is told which person that waits for. */
async function tellQuestionsBelow(
  work: AgentWork,
  state: AgentState,
  services: RunServices,
): Promise<void> {
  for (const approval of await askedBy(work, services)) {
    const isBelow = approval.runId !== work.run.id;
    if (isBelow && approval.status === 'PENDING') tellQuestion(work, state, approval);
  }
}

function tellDecisions(
  { run }: AgentWork,
  { toldApprovals }: AgentState,
  asked: readonly ApprovalRecord[],
): void {
  for (const { id, runId, status } of asked) {
    if (status === 'PENDING' || toldApprovals.has(`ApprovalDecided:${id}`)) continue;
    if (runId !== run.id && !toldApprovals.has(`ApprovalRequested:${id}`)) continue;
    run.append({ type: 'ApprovalDecided', approvalId: id });
  }
}

/** Rejects with the first failure, but only when nothing is at work any more: nobody writes the log of a run that ends. */
async function inParallel<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  const workers = Array.from({ length: Math.min(maxAtOnce, items.length) }, worker);
  await Promise.allSettled(workers);
  await Promise.all(workers);
}
