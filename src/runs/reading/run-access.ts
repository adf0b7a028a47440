import type { Caller } from '../../kernel/access/principal.ts';
import { type Reach, reaches } from '../../kernel/access/reach.ts';
import { DomainError } from '../../kernel/errors.ts';
import type { RunParts } from '../run-parts.ts';
import type { RunRecord } from '../runs.ts';
import { findRun } from './find-run.ts';

interface Access {
  caller: Caller;
  reach: Reach;
}

/** The run, live here or stored; null when there is none, or it is beyond the caller's reach. */
export async function reachableRun(
  runId: string,
  { caller, reach }: Access,
  { liveRuns, services }: RunParts,
): Promise<RunRecord | null> {
  const record = liveRuns.get(runId)?.record ?? (await findRun(services.database, runId));
  return record && reaches(caller, reach, record.userId) ? record : null;
}

/** As `reachableRun`. Rejects with RUN_NOT_FOUND in place of null. */
export async function requireRun(
  runId: string,
  access: Access,
  parts: RunParts,
): Promise<RunRecord> {
  const record = await reachableRun(runId, access, parts);
  if (!record) throw new DomainError('RUN_NOT_FOUND', 'There is no such run.');
  return record;
}
