import type { Auth, Credentials } from '../../auth/auth.ts';
import type { RateLimiter } from '../../auth/rate-limiter.ts';
import type { Log } from '../../kernel/log.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Exchange } from './exchange.ts';
import { refusal } from './request-refusal.ts';

/** The door that every operation passes, over HTTP and WebSocket alike. */
export interface Admission {
  /** Sets the caller. Rejects with SHUTTING_DOWN, UNAUTHENTICATED or RATE_LIMITED. */
  admit(exchange: Exchange, credentials: Credentials): Promise<void>;
  /** Whose credentials are these? Rejects with 503 while the database is away. */
  identify(credentials: Credentials): Promise<Principal | null>;
  /** Do credentials that were good still hold? True while the database is away: nobody is sent off for that. */
  stillHolds(credentials: Credentials): Promise<boolean>;
  /** Throws SHUTTING_DOWN once the server stops. What begins no work is not asked for this. */
  beginWork(): void;
  /** From now on no work is begun. */
  stop(): void;
  stopping(): boolean;
  /** From now on nothing at all is admitted. */
  close(): void;
  closed(): boolean;
}

export function createAdmission(options: {
  auth: Auth;
  rateLimiter: RateLimiter;
  log: Log;
}): Admission {
  const { auth, rateLimiter, log } = options;
  let stopping = false;
  let closed = false;
  const shuttingDown = () =>
    refusal('SHUTTING_DOWN', 'This server is shutting down. Try again on another.', {
      headers: { 'retry-after': '1', connection: 'close' },
    });
  const identify = async (credentials: Credentials): Promise<Principal | null> => {
    try {
      return await auth.authenticate(credentials);
    } catch (error) {
      log.error({ err: error }, 'callers cannot be identified');
      throw refusal(
        'INTERNAL_SERVER_ERROR',
        'The server cannot check your key just now. Try again.',
        {
          status: 503,
          headers: { 'retry-after': '5' },
        },
      );
    }
  };
  return {
    identify,
    stillHolds: (credentials) =>
      identify(credentials).then(
        (principal) => principal !== null,
        () => true,
      ),
    async admit(exchange, credentials) {
      if (closed) throw shuttingDown();
      const principal = await identify(credentials);
      if (!principal) {
        throw refusal(
          'UNAUTHENTICATED',
          'Sign in first: send a valid key as "authorization: Bearer …".',
          { headers: { 'www-authenticate': 'Bearer realm="tessera"' } },
        );
      }
      exchange.caller = { ...principal, requestId: exchange.requestId };
      const retryAfter = await rateLimiter.take(principal);
      if (retryAfter !== null) {
        throw refusal('RATE_LIMITED', `Too many requests. Try again in ${retryAfter} s.`, {
          headers: { 'retry-after': String(retryAfter) },
          details: { retryAfter },
        });
      }
    },
    beginWork() {
      if (stopping) throw shuttingDown();
    },
    stop() {
      stopping = true;
    },
    stopping: () => stopping,
    close() {
      stopping = true;
      closed = true;
    },
    closed: () => closed,
  };
}
