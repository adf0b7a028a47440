import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiHandler } from './api/api-handler.ts';
import { readBody, sendJson } from './api/http-exchange.ts';
import { type RecordedRequest, RequestLog } from './api/request-log.ts';
import { BillingLedger } from './billing/billing-ledger.ts';
import { PromptCache } from './billing/prompt-cache.ts';
import { ChangeWaiters } from './faults/change-waiters.ts';
import { answerControl, type DemoState } from './faults/control-routes.ts';
import { type Fault, FaultQueue } from './faults/fault.ts';
import { HoldGate } from './faults/hold-gate.ts';

export interface DemoModelOptions {
  /** 0, the default, takes a free port. */
  port?: number;
  /** Milliseconds between two deltas; 0 by default. */
  delayMs?: number;
  /** Whether a request without a bearer token gets 401, as on the real API; true by default. Any token will do. */
  requireKey?: boolean;
  /** How many of the latest requests to keep for inspection; 2,000 by default. */
  keepRequests?: number;
}

/**
 * A stand-in for the Claude Messages API on loopback, for use without a key and in tests. The real SDK reaches it
 * by `baseURL: demo.url`.
 */
export interface DemoModel extends AsyncDisposable {
  readonly url: string;
  /** Ends open connections and stops listening. */
  close(): Promise<void>;
  /** The latest requests, oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** Calls to `/v1/messages` that are neither complete nor given up. */
  readonly openCalls: number;
  /** Calls waiting at a `gate` in their stream. */
  readonly gatedCalls: number;
  /** Resolves as soon as exactly `count` calls are open; rejects after `timeoutMs` (5,000). */
  waitForOpenCalls(count: number, timeoutMs?: number): Promise<void>;
  /** Resolves as soon as exactly `count` calls wait at a gate; rejects after `timeoutMs` (5,000). */
  waitForGatedCalls(count: number, timeoutMs?: number): Promise<void>;
  readonly billing: BillingLedger;
  /** Queues faults for the next matching calls to `/v1/messages`, in order. */
  script(...faults: Fault[]): void;
  /** Keeps all calls from answering until the returned function is called. */
  hold(): () => void;
  /** Ends all holds and lets go the calls that wait at a gate now. */
  release(): void;
  /** Forgets faults, requests, bills and cached prompts, and releases everything. */
  reset(): void;
}

/** Starts the stand-in on 127.0.0.1. */
export async function startDemoModel(options: DemoModelOptions = {}): Promise<DemoModel> {
  const demo = new DemoModelServer(options);
  await demo.listen(options.port ?? 0);
  return demo;
}

class DemoModelServer implements DemoModel {
  readonly billing = new BillingLedger();
  readonly #cache = new PromptCache();
  readonly #faults = new FaultQueue();
  readonly #waiters = new ChangeWaiters();
  readonly #gate = new HoldGate(() => this.#waiters.changed());
  readonly #log: RequestLog;
  readonly #api: ApiHandler;
  readonly #server: Server;

  constructor(options: DemoModelOptions) {
    this.#log = new RequestLog(options.keepRequests ?? 2_000, () => this.#waiters.changed());
    this.#api = new ApiHandler({
      billing: this.billing,
      cache: this.#cache,
      faults: this.#faults,
      gate: this.#gate,
      log: this.#log,
      delayMs: options.delayMs ?? 0,
      requireKey: options.requireKey ?? true,
    });
    this.#server = createServer((request, response) => {
      // An unexpected error costs one connection, not the process.
      this.#serve(request, response).catch(() => response.destroy());
    });
    // Longer than any pooled client waits: an idle connection closed under a request would look like a fault.
    this.#server.keepAliveTimeout = 120_000;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get requests(): readonly RecordedRequest[] {
    return this.#log.requests;
  }

  get openCalls(): number {
    return this.#log.openCalls;
  }

  get gatedCalls(): number {
    return this.#gate.gatedCalls;
  }

  waitForOpenCalls(count: number, timeoutMs = 5_000): Promise<void> {
    const describe = () => `${count} open calls; there are ${this.openCalls}`;
    return this.#waiters.until(() => this.openCalls === count, { timeoutMs, describe });
  }

  waitForGatedCalls(count: number, timeoutMs = 5_000): Promise<void> {
    const describe = () => `${count} calls at a gate; there are ${this.gatedCalls}`;
    return this.#waiters.until(() => this.gatedCalls === count, { timeoutMs, describe });
  }

  script(...faults: Fault[]): void {
    this.#faults.add(faults);
  }

  hold(): () => void {
    return this.#gate.hold();
  }

  release(): void {
    this.#gate.release();
  }

  reset(): void {
    this.#faults.clear();
    this.#log.clear();
    this.billing.clear();
    this.#cache.clear();
    this.#api.forget();
    this.release();
  }

  state(): DemoState {
    return {
      requests: this.#log.count,
      openCalls: this.openCalls,
      gatedCalls: this.gatedCalls,
      holding: this.#gate.isHolding,
      scriptedFaults: this.#faults.length,
      billing: { calls: this.billing.calls, totals: this.billing.totals },
    };
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    if (!url.pathname.startsWith('/demo/')) return this.#api.serve(request, response, url);
    const text = await readBody(request).catch(() => '');
    const { status, body } = answerControl(`${request.method} ${url.pathname}`, text, this);
    sendJson(response, status, { body });
  }
}
