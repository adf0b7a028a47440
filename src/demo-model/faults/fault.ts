import type {
  MessageCreateParamsBase,
  RefusalStopDetails,
} from '@anthropic-ai/sdk/resources/messages/messages';
import type { WireErrorType } from '../api-error.ts';

/** A tool call to be made word for word. */
export interface ScriptedToolCall {
  name: string;
  input: Record<string, unknown>;
}

/**
 * What a scripted request does instead of an ordinary answer. `afterDeltas` counts content deltas of the stream
 * (0: right after `message_start`). Without streaming, a fault of the stream becomes its nearest equal: an error
 * status, a reset, or no answer.
 */
export type FaultAction =
  /** An ordinary answer; to let some requests through before the next fault. */
  | { kind: 'pass' }
  /** An error status before the first byte. `shouldRetry` sets `x-should-retry`. */
  | {
      kind: 'status';
      status: number;
      message?: string;
      details?: Record<string, unknown>;
      retryAfterSeconds?: number;
      retryAfterMs?: number;
      shouldRetry?: boolean;
    }
  /** The TCP connection is reset: before any byte, or after this many deltas. */
  | { kind: 'reset'; afterDeltas?: number }
  /** Silence, headers included, for this many milliseconds. */
  | { kind: 'slow_first_byte'; delayMs: number }
  /** Silence until the client leaves: before the headers, or after this many deltas. */
  | { kind: 'stall'; afterDeltas?: number }
  /** Silence until `release()`. */
  | { kind: 'gate'; afterDeltas: number }
  /** An `error` event inside the stream. */
  | { kind: 'error_event'; afterDeltas: number; errorType?: WireErrorType; message?: string }
  /** The response ends cleanly, without `message_stop`. */
  | { kind: 'cut'; afterDeltas: number }
  /** An SSE frame whose data is not JSON, then a clean end. */
  | { kind: 'garbage'; afterDeltas: number }
  | {
      kind: 'refusal';
      afterDeltas?: number;
      category?: RefusalStopDetails['category'];
      explanation?: string;
    }
  | { kind: 'max_tokens'; afterDeltas: number }
  | { kind: 'pause_turn'; afterDeltas?: number }
  | { kind: 'model_context_window_exceeded'; afterDeltas?: number }
  /** The first tool call's input stops in the middle of its JSON, with `max_tokens`. */
  | { kind: 'broken_tool_input' }
  /** Exactly this text. */
  | { kind: 'reply'; text: string }
  /** Exactly these tool calls, in one turn. */
  | { kind: 'tool_calls'; calls: ScriptedToolCall[] }
  /** Text that does not fit `output_config.format`; by default not even JSON. */
  | { kind: 'invalid_structured_output'; text?: string };

/** Selects requests by content; both conditions must hold. Can be sent over HTTP. */
export interface FaultMatch {
  /** Occurs in the request's JSON. */
  contains?: string;
  model?: string;
}

/** A fault for the next matching requests. */
export type Fault = FaultAction & {
  /** How many requests it is for; 1 when absent. */
  times?: number;
  match?: FaultMatch | ((body: MessageCreateParamsBase) => boolean);
};

/** Faults waiting for the requests they are for, in order: the first that matches is used. */
export class FaultQueue {
  #waiting: { fault: Fault; left: number }[] = [];

  add(faults: readonly Fault[]): void {
    this.#waiting.push(...faults.map((fault) => ({ fault, left: fault.times ?? 1 })));
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** The fault for this request, used up once; undefined when none matches. */
  take(body: MessageCreateParamsBase): Fault | undefined {
    const found = this.#waiting.find(({ fault }) => matches(fault.match, body));
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left <= 0) this.#waiting = this.#waiting.filter((entry) => entry !== found);
    return found.fault;
  }

  clear(): void {
    this.#waiting = [];
  }
}

function matches(match: Fault['match'], body: MessageCreateParamsBase): boolean {
  if (match === undefined) return true;
  if (typeof match === 'function') return match(body);
  if (match.model !== undefined && match.model !== body.model) return false;
  return (
    match.contains === undefined ||
    JSON.stringify(body).includes(JSON.stringify(match.contains).slice(1, -1))
  );
}
