import type { Hooks } from '../kernel/hooks.ts';
import type { Log } from '../kernel/log.ts';
import type { Metrics } from './create-metrics.ts';

/** Logs and counts each model call and each run that ends, by the same hooks that plugins have. */
export function createRunObserver(log: Log, metrics: Metrics): Hooks {
  return {
    afterModelCall: ({ model, usage, cost, status, durationMs }, context) => {
      const cacheWriteTokens = usage.cacheWrite5mTokens + usage.cacheWrite1hTokens;
      const measure = {
        model,
        status,
        durationMs: Math.round(durationMs),
        inputTokens: usage.inputTokens,
        outputTokens: usage.outputTokens,
        cacheReadTokens: usage.cacheReadTokens,
        cacheWriteTokens,
        cost,
      };
      const { requestId, runId, userId, kind } = context;
      log.info({ requestId, runId, userId, operation: kind, ...measure }, 'model call');
      metrics.modelCallFinished(measure);
    },
    onRunEnd: ({ status, error }, { requestId, runId, userId, kind }) => {
      const outcome = error?.code ?? 'OK';
      log.info({ requestId, runId, userId, operation: kind, outcome }, 'run ended');
      metrics.runFinished({ kind, status });
    },
  };
}
