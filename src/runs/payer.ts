import type { LiveRun } from './live-run.ts';
import type { Payer } from './metered-call.ts';

/** The run pays for its own calls; a bound on its cost binds its sub-agents' calls too. */
export function payerOf(run: LiveRun): Payer {
  const { signal, tag, row, envelope } = run;
  const onUsage: Payer['onUsage'] = (holdId, usage) =>
    run.append({ type: 'CallUsage', holdId, usage });
  return { tag, signal, deadlineAt: row.deadlineAt, envelope, onUsage };
}
