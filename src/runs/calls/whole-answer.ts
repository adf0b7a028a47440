import type { LiveRun } from '../live/live-run.ts';
import type { RunServices } from '../run-services.ts';
import { type CachedRequest, cachedCall } from './cached-call.ts';
import type { Billing, CallFinish } from './metered-call.ts';
import { throwIfRefused } from './refusal.ts';
import { RunSink } from './run-sink.ts';

/** An answer on the way to the run's own: nothing of it is streamed. Rejects with MODEL_REFUSED for a refusal. */
export async function wholeAnswer(
  run: LiveRun,
  { billing, request }: { billing: Billing; request: CachedRequest },
  services: RunServices,
): Promise<{ text: string; finish: CallFinish }> {
  const sink = new RunSink(run, 'silent');
  const finish = await cachedCall({ billing, request, sink }, services);
  throwIfRefused(finish);
  return { text: sink.said, finish };
}
