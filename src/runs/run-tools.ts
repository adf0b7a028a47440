import type { ApprovalRecord } from '../kernel/run.ts';
import type { AgentState, PendingCall } from './agent-state.ts';
import type { AgentWork } from './agent-work.ts';
import { decideCall } from './decide-call.ts';
import type { RunRooms } from './run-rooms.ts';
import { type RunnableCall, runTool, type ToolOutcome } from './tool-call.ts';

/** Tools of one turn that run at the same time. */
const mostAtOnce = 8;

/**
 * Brings every pending call of the last turn to a result, as far as nobody has to be asked. Returns 'waiting' when some
 * call waits for a person; the others have run by then.
 */
export async function runTools(
  work: AgentWork,
  state: AgentState,
  rooms: RunRooms,
): Promise<'done' | 'waiting'> {
  const { run } = work;
  const approvals = await rooms.approvals.ofRun(run.id);
  tellDecisions(work, state, approvals);
  const runnable: RunnableCall[] = [];
  let waiting = false;
  for (const pending of state.pending) {
    const { key: callId, name: tool, input } = pending.call;
    if (!pending.started) run.append({ type: 'ToolCallStarted', callId, tool, input });
    const approval = approvals.get(callId);
    const verdict = await decideCall(work, { pending, approval }, rooms);
    if (verdict.kind === 'run') runnable.push(verdict.call);
    else if (verdict.kind === 'result') finishCall(work, pending, verdict.outcome);
    else {
      waiting = true;
      tellQuestion(work, state, verdict.approval);
    }
  }
  await inParallel(runnable, async (call) => {
    const outcome = await runTool(work, call, rooms);
    if (outcome === 'waiting') waiting = true;
    else {
      finishCall(work, call.pending, outcome);
      // At once, not with the slowest call: until it is stored, a crash makes its outcome unknown.
      await run.durable();
    }
  });
  await run.durable();
  return waiting ? 'waiting' : 'done';
}

function finishCall({ run }: AgentWork, { call }: PendingCall, outcome: ToolOutcome): void {
  run.append({ type: 'ToolCallFinished', callId: call.key, tool: call.name, ...outcome });
}

function tellQuestion({ run }: AgentWork, state: AgentState, approval: ApprovalRecord): void {
  if (state.toldApprovals.has(`ApprovalRequested:${approval.id}`)) return;
  run.append({ type: 'ApprovalRequested', approvalId: approval.id });
}

function tellDecisions(
  { run }: AgentWork,
  { pending, toldApprovals }: AgentState,
  approvals: ReadonlyMap<string, ApprovalRecord>,
): void {
  for (const { call } of pending) {
    const approval = approvals.get(call.key);
    if (!approval || approval.status === 'PENDING') continue;
    if (toldApprovals.has(`ApprovalDecided:${approval.id}`)) continue;
    run.append({ type: 'ApprovalDecided', approvalId: approval.id });
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
  const workers = Array.from({ length: Math.min(mostAtOnce, items.length) }, worker);
  await Promise.allSettled(workers);
  await Promise.all(workers);
}
