import type { LoadJob } from './load-job.ts';
import type { Measurement } from './measure.ts';
import type { Documents } from './targets.ts';
import type { Pace } from './upstream.ts';

/** One line of the table: a load, and the number that is read off it. */
export interface Suite {
  name: string;
  /** What the number means, and its unit. */
  figure: string;
  unit: 'ms' | 'µs';
  /** A ratio compares by division, a time to first token by difference. */
  compares: 'ratio' | 'difference';
  pace: Partial<Pace>;
  operation: keyof Documents;
  job: Pick<LoadJob, 'via' | 'concurrency' | 'tokens'>;
  read(measurement: Measurement): number;
}

const flat: Pace = { tokens: 200, firstTokenMs: 0, intervalMs: 0 };
const paced: Pace = { tokens: 100, firstTokenMs: 0, intervalMs: 20 };

const calls = (concurrency: number, read: Suite['read'], figure: string): Suite => ({
  name: `calls-${concurrency}`,
  figure,
  unit: 'ms',
  compares: 'ratio',
  pace: flat,
  operation: 'call',
  job: { via: 'http', concurrency, tokens: flat.tokens },
  read,
});

const streams = (
  name: string,
  job: { via: 'ws' | 'sse'; concurrency: number },
  pace: Pace,
): Suite => ({
  name,
  figure: 'processor time of a token',
  unit: 'µs',
  compares: 'ratio',
  pace,
  operation: 'stream',
  job: { ...job, tokens: pace.tokens },
  read: ({ cpuPerToken }) => cpuPerToken,
});

const firstToken = (name: string, concurrency: number, pace: Pace): Suite => ({
  name,
  figure: 'time to first token, median',
  unit: 'ms',
  compares: 'difference',
  pace,
  operation: 'stream',
  job: { via: 'ws', concurrency, tokens: pace.tokens },
  read: ({ firstTokenP50 }) => firstTokenP50,
});

const cpuOfCall: Suite['read'] = ({ cpuPerCall }) => cpuPerCall / 1_000;

export const suites: readonly Suite[] = [
  calls(1, ({ p50 }) => p50, 'median time of a call, one at a time'),
  calls(16, cpuOfCall, 'processor time of a call'),
  calls(64, cpuOfCall, 'processor time of a call'),
  streams('streams-1-ws', { via: 'ws', concurrency: 1 }, flat),
  streams('streams-200-ws', { via: 'ws', concurrency: 200 }, flat),
  streams('streams-200-sse', { via: 'sse', concurrency: 200 }, flat),
  streams('paced-40-ws', { via: 'ws', concurrency: 40 }, paced),
  streams('paced-40-sse', { via: 'sse', concurrency: 40 }, paced),
  firstToken('first-token-1', 1, { ...flat, tokens: 20 }),
  firstToken('first-token-40', 40, { ...paced, tokens: 20 }),
  {
    ...calls(16, cpuOfCall, 'processor time of an answer from the cache'),
    name: 'cache-hits-16',
    operation: 'cachedCall',
  },
];
