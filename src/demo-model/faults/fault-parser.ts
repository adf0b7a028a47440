import { isRecord } from '../is-record.ts';
import type { Fault, FaultAction } from './fault.ts';

/** Required and optional members of each kind of fault, besides `kind`, `times` and `match`. */
const FIELDS: Readonly<
  Record<FaultAction['kind'], { required?: readonly string[]; optional?: readonly string[] }>
> = {
  pass: {},
  status: {
    required: ['status'],
    optional: ['message', 'details', 'retryAfterSeconds', 'retryAfterMs', 'shouldRetry'],
  },
  reset: { optional: ['afterDeltas'] },
  slow_first_byte: { required: ['delayMs'] },
  stall: { optional: ['afterDeltas'] },
  gate: { required: ['afterDeltas'] },
  error_event: { required: ['afterDeltas'], optional: ['errorType', 'message'] },
  cut: { required: ['afterDeltas'] },
  garbage: { required: ['afterDeltas'] },
  refusal: { optional: ['afterDeltas', 'category', 'explanation'] },
  max_tokens: { required: ['afterDeltas'] },
  pause_turn: { optional: ['afterDeltas'] },
  model_context_window_exceeded: { optional: ['afterDeltas'] },
  broken_tool_input: {},
  reply: { required: ['text'] },
  tool_calls: { required: ['calls'] },
  invalid_structured_output: { optional: ['text'] },
};

const NUMBERS = new Set([
  'status',
  'retryAfterSeconds',
  'retryAfterMs',
  'afterDeltas',
  'delayMs',
  'times',
]);

/** Words for the statuses and stream errors a test most often asks for by `[demo:fault WORD]`. */
const SHORTHANDS: Readonly<Record<string, Fault>> = {
  bad_request: { kind: 'status', status: 400 },
  unauthorized: { kind: 'status', status: 401 },
  forbidden: { kind: 'status', status: 403 },
  not_found: { kind: 'status', status: 404 },
  too_large: { kind: 'status', status: 413 },
  rate_limited: { kind: 'status', status: 429 },
  server_error: { kind: 'status', status: 500 },
  unavailable: { kind: 'status', status: 503 },
  overloaded: { kind: 'status', status: 529 },
};

/** Faults that need `afterDeltas` break off here when an instruction in a message does not say where. */
const DEFAULT_AFTER_DELTAS = 3;

/** Checks one fault that came as JSON; throws an `Error` that names the wrong field. */
export function parseFault(value: unknown): Fault {
  if (!isRecord(value)) throw new Error('a fault is an object with a kind');
  const kind = value['kind'];
  if (typeof kind !== 'string' || !Object.hasOwn(FIELDS, kind)) {
    throw new Error(
      `unknown fault kind ${JSON.stringify(kind)}; known: ${Object.keys(FIELDS).join(', ')}`,
    );
  }
  const { required = [], optional = [] } = FIELDS[kind as FaultAction['kind']];
  const allowed = new Set(['kind', 'times', 'match', ...required, ...optional]);
  for (const name of required)
    if (value[name] === undefined) throw new Error(`fault ${kind} needs ${name}`);
  for (const [name, field] of Object.entries(value)) {
    if (!allowed.has(name)) throw new Error(`fault ${kind} has no ${name}`);
    if (NUMBERS.has(name) && typeof field !== 'number')
      throw new Error(`${name} of fault ${kind} is a number`);
  }
  if (value['match'] !== undefined && !isRecord(value['match']))
    throw new Error('match is {contains?, model?}');
  return value as unknown as Fault;
}

/**
 * Reads the words of `[demo:fault …]`: a kind, a status number or a shorthand such as `overloaded`, then
 * `name=value` fields. `after` stands for `afterDeltas`; dashes for underscores.
 */
export function parseFaultWords(words: string): Fault {
  const [first = '', ...fields] = words.trim().split(/\s+/);
  const name = first.replaceAll('-', '_');
  const base: Record<string, unknown> = { ...baseOf(name) };
  for (const field of fields) {
    const [key = '', ...rest] = field.split('=');
    const value = rest.join('=');
    const parsed = /^(?:\d+(?:\.\d+)?|true|false)$/.test(value)
      ? (JSON.parse(value) as number | boolean)
      : value;
    base[key === 'after' ? 'afterDeltas' : key] = parsed;
  }
  return parseFault(base);
}

function baseOf(name: string): object {
  if (/^\d{3}$/.test(name)) return { kind: 'status', status: Number(name) };
  const shorthand = SHORTHANDS[name];
  if (shorthand !== undefined) return shorthand;
  const needsPlace = FIELDS[name as FaultAction['kind']]?.required?.includes('afterDeltas');
  return needsPlace ? { kind: name, afterDeltas: DEFAULT_AFTER_DELTAS } : { kind: name };
}
