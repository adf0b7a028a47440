import type { Usd } from '../../kernel/prices.ts';
import type { Hold, HoldRequest } from '../ledger.ts';

/** A hold on its way. It is tried under one id after the other, and given up by its caller after a while. */
export interface HoldEntry {
  id: string;
  request: HoldRequest;
  amount: Usd | null;
  /** The caller has been refused meanwhile: nobody will settle this hold. */
  abandoned: boolean;
  resolve(hold: Hold): void;
  reject(error: unknown): void;
}
