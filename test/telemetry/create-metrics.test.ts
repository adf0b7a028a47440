import { expect, test } from 'vitest';
import { createMetrics } from '../../src/telemetry/create-metrics.ts';
import { createRunObserver } from '../../src/telemetry/create-run-observer.ts';
import { testLog } from '../support/test-log.ts';

const context = {
  runId: 'run-1',
  kind: 'COMPLETION',
  userId: 'ada',
  requestId: 'request-1',
  signal: new AbortController().signal,
} as const;

test('counts operations, model calls, tokens, cost, runs and slow readers', async () => {
  const metrics = createMetrics();
  const observer = createRunObserver(testLog, metrics);
  metrics.operationFinished({ transport: 'http', type: 'query', outcome: 'OK', durationMs: 20 });
  metrics.slowConsumerEnded('websocket');
  await observer.afterModelCall?.(
    {
      model: 'claude-x',
      usage: {
        inputTokens: 10,
        outputTokens: 5,
        cacheReadTokens: 3,
        cacheWrite5mTokens: 2,
        cacheWrite1hTokens: 1,
      },
      cost: '0.25',
      status: 'succeeded',
      durationMs: 100,
    },
    context,
  );
  for (const status of ['SUCCEEDED', 'CANCELLED', 'FAILED'] as const) {
    await observer.onRunEnd?.({ status, model: 'claude-x', error: null, durationMs: 9 }, context);
  }
  const text = await metrics.text();
  expect(text).toContain(
    'tessera_operation_duration_seconds_count{transport="http",type="query",outcome="OK"} 1',
  );
  expect(text).toContain('tessera_slow_consumers_total{transport="websocket"} 1');
  expect(text).toContain('tessera_model_tokens_total{model="claude-x",kind="input"} 10');
  expect(text).toContain('tessera_model_tokens_total{model="claude-x",kind="cache_write"} 3');
  expect(text).toContain('tessera_model_cost_usd_total{model="claude-x"} 0.25');
  expect(text).toContain('tessera_runs_total{kind="COMPLETION",status="SUCCEEDED"} 1');
  expect(text).toContain('tessera_runs_total{kind="COMPLETION",status="CANCELLED"} 1');
  expect(text).toContain('tessera_runs_total{kind="COMPLETION",status="FAILED"} 1');
  expect(text).not.toContain('ada');
});

test('reads gauges when it is asked, each set of metrics by itself', async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  let openStreams = 1;
  one.observe({
    openStreams: () => openStreams,
    openModelCalls: () => 2,
    openSockets: () => 3,
    breakers: () => [{ name: 'anthropic', model: 'claude-x', breaker: 'open' }],
  });
  openStreams = 7;
  expect(await one.text()).toContain('tessera_open_streams 7');
  expect(await one.text()).toContain(
    'tessera_circuit_breaker_state{provider="anthropic",model="claude-x"} 2',
  );
  expect(await other.text()).not.toContain('tessera_open_streams');
});
