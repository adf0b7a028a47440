import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';
import { DomainError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/message-of.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { SignInFailure, Visitor } from '../auth.ts';
import { FailureBudget } from './failure-budget.ts';

const rememberedTokens = 10_000;

/** IPv6 gives every household 2^64 addresses: its network counts as one. */
function networkOf(address: string | null): string | null {
  if (address === null || !ipaddr.isValid(address)) return address;
  const parsed = ipaddr.parse(address);
  return parsed.kind() === 'ipv4' ? address : parsed.toByteArray().slice(0, 8).join('.');
}

export interface Attempt {
  visitor: Visitor;
  /** Of the token. */
  hash: string;
  /** The first characters of an API key, by which it is recognised; null for any other token. */
  prefix: string | null;
}

/**
 * Throttles failed sign-ins by address and by key prefix, and records them. A token that was good a while ago is never
 * held up. Beyond the budget nothing is looked up any more, so that a flood costs no more than its requests.
 */
export class SignInGuard {
  readonly #good = new LRUCache<string, true>({ max: rememberedTokens });
  readonly #byAddress = new FailureBudget({ burst: 30, perSecond: 2 });
  readonly #byPrefix = new FailureBudget({ burst: 10, perSecond: 1 });
  /** Of all failures together: what the audit log takes from one server. */
  readonly #recorded = new FailureBudget({ burst: 300, perSecond: 10, maxKeys: 1 });
  #unrecorded = 0;
  readonly #audit: AuditLog;
  readonly #log: Log;

  constructor({ audit, log }: { audit: AuditLog; log: Log }) {
    this.#audit = audit;
    this.#log = log;
  }

  /** Throws RATE_LIMITED while too many sign-ins have failed. */
  admit({ visitor, hash, prefix }: Attempt): void {
    if (this.#good.has(hash)) return;
    const network = networkOf(visitor.address);
    const retryAfterMs = Math.max(
      network === null ? 0 : this.#byAddress.waitMs(network),
      prefix === null ? 0 : this.#byPrefix.waitMs(prefix),
    );
    if (retryAfterMs === 0) return;
    throw new DomainError(
      'RATE_LIMITED',
      `Too many sign-ins have failed. Try again in ${Math.ceil(retryAfterMs / 1_000)} s.`,
      { details: { retryAfterMs } },
    );
  }

  succeeded({ hash }: Attempt): void {
    this.#good.set(hash, true);
  }

  failed({ visitor, hash, prefix }: Attempt, failure: SignInFailure): void {
    this.#good.delete(hash);
    const { address, requestId } = visitor;
    const network = networkOf(address);
    const within = network === null || this.#byAddress.spend(network);
    const guessed = prefix !== null && !this.#byPrefix.spend(prefix);
    if (!within || guessed || !this.#recorded.spend('')) {
      this.#unrecorded += 1;
      return;
    }
    const detail = {
      reason: failure,
      ...(this.#unrecorded > 0 && { unrecorded: this.#unrecorded }),
    };
    this.#unrecorded = 0;
    this.#audit
      .record({
        actor: null,
        apiKeyId: null,
        address,
        action: 'signInFailed',
        subject: prefix,
        detail,
        requestId,
      })
      .catch((error: unknown) =>
        this.#log.error(
          { requestId, address, reason: messageOf(error) },
          'a failed sign-in could not be recorded',
        ),
      );
  }
}
