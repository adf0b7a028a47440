import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface OperationMeasure {
  transport: 'http' | 'websocket';
  type: 'query' | 'mutation' | 'subscription' | 'none';
  /** "OK", or the code of the first error. */
  outcome: string;
  durationMs: number;
}

export interface ModelCallMeasure {
  model: string;
  status: string;
  durationMs: number;
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  /** US dollars; null when the price is not known. */
  cost: string | null;
}

/** What is read when the metrics are asked for. */
export interface Gauges {
  openStreams(): number;
  openModelCalls(): number;
  openSockets(): number;
  breakers(): { name: string; model: string | null; breaker: 'closed' | 'half-open' | 'open' }[];
}

export interface Metrics {
  operationFinished(measure: OperationMeasure): void;
  modelCallFinished(measure: ModelCallMeasure): void;
  runFinished(measure: { kind: string; status: string }): void;
  slowConsumerEnded(transport: 'http' | 'websocket'): void;
  /** `plugin`: of the plugin list, or "unknown". */
  strayFault(plugin: string): void;
  observe(gauges: Gauges): void;
  /** In the Prometheus text format. */
  text(): Promise<string>;
  contentType: string;
}

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const breakerLevel = { closed: 0, 'half-open': 1, open: 2 };

/** The server's metrics, for Prometheus. Labels never hold a user, a key or a prompt: those would grow without bound. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const operations = new Histogram({
    name: 'tessera_operation_duration_seconds',
    help: 'GraphQL operations by transport, type and outcome; a subscription lasts until it ends',
    labelNames: ['transport', 'type', 'outcome'],
    buckets: seconds,
    registers,
  });
  const slowConsumers = new Counter({
    name: 'tessera_slow_consumers_total',
    help: 'Streams ended because their reader did not keep up',
    labelNames: ['transport'],
    registers,
  });
  const strayFaults = new Counter({
    name: 'tessera_plugin_stray_faults_total',
    help: 'Rejections and throws of plugins that nobody caught',
    labelNames: ['plugin'],
    registers,
  });
  const runs = new Counter({
    name: 'tessera_runs_total',
    help: 'Runs that ended, by kind and status',
    labelNames: ['kind', 'status'],
    registers,
  });
  const modelCallFinished = createModelMetrics(registers);
  return {
    operationFinished: ({ transport, type, outcome, durationMs }) =>
      operations.observe({ transport, type, outcome }, durationMs / 1000),
    modelCallFinished,
    runFinished: ({ kind, status }) => runs.inc({ kind, status }),
    slowConsumerEnded: (transport) => slowConsumers.inc({ transport }),
    strayFault: (plugin) => strayFaults.inc({ plugin }),
    observe: (gauges) => registerGauges(registers, gauges),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function createModelMetrics(registers: Registry[]): Metrics['modelCallFinished'] {
  const calls = new Histogram({
    name: 'tessera_model_call_duration_seconds',
    help: 'Model calls by model and status',
    labelNames: ['model', 'status'],
    buckets: seconds,
    registers,
  });
  const tokens = new Counter({
    name: 'tessera_model_tokens_total',
    help: 'Tokens billed, by model and kind',
    labelNames: ['model', 'kind'],
    registers,
  });
  const cost = new Counter({
    name: 'tessera_model_cost_usd_total',
    help: 'What model calls cost, in US dollars; the exact sums are in the usage records',
    labelNames: ['model'],
    registers,
  });
  return (measure) => {
    const { model, status } = measure;
    calls.observe({ model, status }, measure.durationMs / 1000);
    tokens.inc({ model, kind: 'input' }, measure.inputTokens);
    tokens.inc({ model, kind: 'output' }, measure.outputTokens);
    tokens.inc({ model, kind: 'cache_read' }, measure.cacheReadTokens);
    tokens.inc({ model, kind: 'cache_write' }, measure.cacheWriteTokens);
    if (measure.cost !== null) cost.inc({ model }, Number(measure.cost));
  };
}

function registerGauges(registers: Registry[], gauges: Gauges): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  gauge('tessera_open_streams', 'Runs being read by clients now', gauges.openStreams);
  gauge('tessera_open_model_calls', 'Calls of providers open now', gauges.openModelCalls);
  gauge('tessera_open_websockets', 'WebSocket connections open now', gauges.openSockets);
  new Gauge({
    name: 'tessera_circuit_breaker_state',
    help: '0 closed, 1 half-open, 2 open',
    labelNames: ['provider', 'model'],
    registers,
    collect() {
      for (const { name, model, breaker } of gauges.breakers()) {
        this.set({ provider: name, model: model ?? '' }, breakerLevel[breaker]);
      }
    },
  });
}
