import type { Prices } from '../../kernel/prices.ts';
import type {
  CacheHit,
  CallOutcome,
  Hold,
  HoldRequest,
  LedgerAnswer,
  LedgerArguments,
  LedgerBatch,
  UsageRecordRow,
  UsageTag,
} from '../ledger.ts';
import type { LedgerContext } from '../ledger-context.ts';
import { holdArguments } from './hold-arguments.ts';
import type { HoldEntry } from './hold-entry.ts';
import type { HoldAnswer, Holds } from './holds.ts';
import { recordOfCacheHit, recordOfCall } from './new-usage-record.ts';
import {
  type Settlement,
  type SettlementAnswer,
  type SettlementEntry,
  type Settlements,
  settlementArguments,
} from './settlements.ts';

interface BatchParts {
  context: LedgerContext;
  prices: Prices;
  holds: Holds;
  settlements: Settlements;
}

/** See `LedgerBatch`. What the statement fails to store goes through the ledger's own queues. */
export class CarriedBatch implements LedgerBatch {
  readonly #parts: BatchParts;
  readonly #holds: HoldEntry[] = [];
  readonly #settlements: SettlementEntry[] = [];
  readonly #settled: Promise<unknown>[] = [];
  #asked: HoldEntry[] = [];

  constructor(parts: BatchParts) {
    this.#parts = parts;
  }

  get isEmpty(): boolean {
    return this.#holds.length === 0 && this.#settlements.length === 0;
  }

  hold(request: HoldRequest): Promise<Hold> {
    return this.#parts.holds.prepare(request, (entry) => this.#holds.push(entry));
  }

  settle(hold: Hold, outcome: CallOutcome): UsageRecordRow {
    const record = recordOfCall(this.#parts.prices, hold, outcome);
    const envelopeRunId = hold.request.envelope?.runId ?? null;
    this.#add({ holdId: hold.id, records: [record], envelopeRunId });
    return { ...record, createdAt: record.createdAt ?? hold.createdAt };
  }

  release({ id }: Hold): void {
    this.#add({ holdId: id, records: [], envelopeRunId: null });
  }

  recordCacheHit(tag: UsageTag, hit: CacheHit): void {
    const records = [recordOfCacheHit(tag, hit)];
    this.#add({ holdId: null, records, envelopeRunId: null });
  }

  arguments(): LedgerArguments {
    this.#asked = this.#holds.filter(({ abandoned }) => !abandoned);
    const { timeZone, highCostThreshold, allowUnknownPrice, serverId, now } = this.#parts.context;
    return {
      settle: this.#settlements.length > 0 ? settlementArguments(this.#settlements) : null,
      hold: this.#asked.length > 0 ? holdArguments(this.#asked) : null,
      serverId,
      timeZone,
      highCostThreshold,
      allowUnknownPrice,
      now: now(),
    };
  }

  committed({ settled, held }: LedgerAnswer): void {
    const { holds, settlements } = this.#parts;
    if (settled) settlements.answered(this.#settlements, settled as SettlementAnswer);
    if (held) holds.answered(this.#asked, held as HoldAnswer);
  }

  async failed(error: unknown): Promise<void> {
    const { holds, settlements } = this.#parts;
    for (const entry of this.#settlements) settlements.push(entry);
    holds.failed(this.#asked, Promise.reject(error));
    for (const entry of this.#asked) if (!entry.abandoned) holds.push(entry);
    await Promise.all(this.#settled);
  }

  #add(settlement: Settlement): void {
    const { promise, resolve, reject } = Promise.withResolvers<UsageRecordRow[]>();
    this.#settled.push(promise.catch(() => undefined));
    this.#settlements.push({ ...settlement, resolve, reject });
  }
}
