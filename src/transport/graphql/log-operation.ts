import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../telemetry/create-metrics.ts';
import type { Exchange } from '../http/exchange.ts';

/** The one line that every operation leaves behind, and its place in the metrics. */
export function logOperation(
  { requestId, transport, caller, operation, outcome, startedAt, disconnected, runIds }: Exchange,
  { log, metrics, status }: { log: Log; metrics: Metrics; status?: number },
): void {
  const durationMs = Math.round((performance.now() - startedAt) * 10) / 10;
  const [runId, ...otherRunIds] = runIds ?? [];
  const type = operation?.type ?? 'none';
  metrics.operationFinished({ transport, type, outcome, durationMs });
  log.info(
    {
      requestId,
      // Of several, each has its own lines, all with the request's id.
      ...(runId !== undefined && otherRunIds.length === 0 ? { runId } : {}),
      transport,
      userId: caller?.userId ?? null,
      operation: operation?.name ?? null,
      type,
      outcome,
      durationMs,
      ...(status === undefined ? {} : { status }),
      ...(disconnected.signal.aborted ? { disconnected: true } : {}),
    },
    'operation',
  );
}
