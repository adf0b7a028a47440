import type { RunEvent, RunEventBody } from '../../../src/kernel/events.ts';
import type { RunUsage } from '../../../src/ledger/ledger.ts';
import type { RunHandle, RunRecord } from '../../../src/runs/runs.ts';

export const runId = '019af0b4-0000-7000-8000-000000000001';
export const at = new Date('2026-01-31T12:00:00.000Z');

export const runRecord = (change: Partial<RunRecord> = {}): RunRecord => ({
  id: runId,
  kind: 'COMPLETION',
  status: 'SUCCEEDED',
  userId: 'ada',
  requestId: 'request-1',
  model: 'claude-haiku-5-5',
  promptVersionId: null,
  promptName: null,
  parentRunId: null,
  continuesRunId: null,
  conversationId: null,
  tags: [],
  metadata: null,
  question: '',
  variables: null,
  experimentId: null,
  variant: null,
  agent: null,
  message: '',
  maxTurns: 0,
  createdAt: at,
  finishedAt: at,
  durationMs: 12.5,
  timeToFirstTokenMs: 4,
  text: 'Hello.',
  output: null,
  outputSelection: null,
  stopReason: 'end_turn',
  cached: false,
  degraded: false,
  error: null,
  ...change,
});

export const usage: RunUsage = {
  inputTokens: 7,
  outputTokens: 3,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  estimated: false,
  cost: '0.000022',
};

/** A handle of a run that has ended like this. */
export const handleOf = (run: RunRecord, change: Partial<RunHandle> = {}): RunHandle => ({
  runId: run.id,
  events: () => {
    throw new Error('events were not expected');
  },
  result: async () => run,
  leave: () => {},
  ...change,
});

/** Events in their places in a run's log. */
export function placed(bodies: readonly RunEventBody[]): RunEvent[] {
  let position = 0;
  return bodies.map((body) => {
    const length = body.type === 'TextDelta' ? body.text.length : 1;
    position += length;
    return { ...body, runId, position, length, at };
  });
}
