import type { LiveRun } from '../live/live-run.ts';
import type { Billing } from './metered-call.ts';

/** The run pays for its own calls; a bound on its cost binds its sub-agents' calls too. */
export function billingOf(run: LiveRun): Billing {
  const { signal, tag, row, envelope } = run;
  const onUsage: Billing['onUsage'] = (holdId, usage) =>
    run.append({ type: 'CallUsage', holdId, usage });
  const { deadlineAt, scopes = null } = row;
  return { tag, scopes, signal, deadlineAt, envelope, onUsage };
}
