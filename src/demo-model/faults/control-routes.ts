import type { BilledCall, BilledTotals } from '../billing/billing-ledger.ts';
import type { Fault } from './fault.ts';
import { parseFault } from './fault-parser.ts';

/** The answer of `GET /demo/state`. */
export interface DemoState {
  /** Requests to the API since the start or the last reset. */
  requests: number;
  openCalls: number;
  /** Calls waiting at a gate in their stream. */
  gatedCalls: number;
  holding: boolean;
  /** Faults not yet used up. */
  scriptedFaults: number;
  billing: { calls: readonly BilledCall[]; totals: BilledTotals };
}

/** State of the server that the control routes use. */
export interface Controls {
  state(): DemoState;
  script(...faults: Fault[]): void;
  hold(): unknown;
  release(): void;
  reset(): void;
}

export interface ControlAnswer {
  status: number;
  body: unknown;
}

/**
 * The back channel for a test in another process: `POST /demo/script` with an array of faults, `/demo/hold`,
 * `/demo/release`, `/demo/reset`, and `GET /demo/state`.
 */
export function answerControl(route: string, body: string, controls: Controls): ControlAnswer {
  switch (route) {
    case 'GET /demo/state':
      return { status: 200, body: controls.state() };
    case 'POST /demo/script':
      return script(body, controls);
    case 'POST /demo/hold':
      controls.hold();
      return { status: 200, body: controls.state() };
    case 'POST /demo/release':
      controls.release();
      return { status: 200, body: controls.state() };
    case 'POST /demo/reset':
      controls.reset();
      return { status: 200, body: controls.state() };
    default:
      return { status: 404, body: { error: `no such route: ${route}` } };
  }
}

function script(body: string, controls: Controls): ControlAnswer {
  try {
    const parsed: unknown = JSON.parse(body);
    const faults = (Array.isArray(parsed) ? parsed : [parsed]).map(parseFault);
    controls.script(...faults);
    return { status: 200, body: { accepted: faults.length } };
  } catch (error) {
    return { status: 400, body: { error: String(error instanceof Error ? error.message : error) } };
  }
}
