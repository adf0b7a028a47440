import type { IncomingHttpHeaders } from 'node:http';
import type { MessageCreateParamsBase } from '@anthropic-ai/sdk/resources/messages/messages';
import type { BilledCall, CallOutcome } from '../billing/billing-ledger.ts';

/** One request to the API as the stand-in saw it. */
export interface RecordedRequest {
  requestId: string;
  method: string;
  /** Path without the query. */
  path: string;
  headers: IncomingHttpHeaders;
  /** As sent, unchecked; null without a body or when it was not JSON. */
  body: MessageCreateParamsBase | null;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** `open` until the answer is complete, the client has left, or it failed. */
  outcome: CallOutcome | 'open';
  /** The status sent; null while none is. */
  status: number | null;
  /** Billed usage; null if nothing was billed. */
  billed: BilledCall | null;
}

/** The requests of the server's life, newest last, and how many message calls are open now. */
export class RequestLog {
  readonly requests: RecordedRequest[] = [];
  readonly #open = new Set<RecordedRequest>();
  readonly #capacity: number;
  readonly #onChange: () => void;
  #count = 0;

  constructor(capacity: number, onChange: () => void) {
    this.#capacity = capacity;
    this.#onChange = onChange;
  }

  /** All requests since the start or the last reset, those no longer kept included. */
  get count(): number {
    return this.#count;
  }

  /** Message calls whose answer is not complete and whose client is still there. */
  get openCalls(): number {
    return this.#open.size;
  }

  add(request: RecordedRequest): void {
    this.requests.push(request);
    this.#count += 1;
    if (this.requests.length > this.#capacity) this.requests.shift();
    if (request.path === '/v1/messages') this.#open.add(request);
    this.#onChange();
  }

  settle(request: RecordedRequest, outcome: CallOutcome): void {
    if (request.outcome !== 'open') return;
    request.outcome = outcome;
    this.#open.delete(request);
    this.#onChange();
  }

  clear(): void {
    this.requests.length = 0;
    this.#count = 0;
  }
}
