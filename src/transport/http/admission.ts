import type { GraphQLError } from 'graphql';
import type { Auth, Credentials } from '../../auth/auth.ts';
import type { RateLimiter } from '../../auth/rate-limiter.ts';
import { hasRole, type Principal, type Role, roles } from '../../kernel/access/principal.ts';
import { isDomainError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Exchange } from './exchange.ts';
import { refusal } from './request-refusal.ts';

/** The check that every door makes: GraphQL over HTTP and WebSocket, MCP, exports, pages. */
export interface Admission {
  /**
   * Sets the caller, who needs one of these roles or ADMIN; any role will do where each field has a rule of its own.
   * Rejects with SHUTTING_DOWN, UNAUTHENTICATED, FORBIDDEN or RATE_LIMITED.
   */
  admit(
    exchange: Exchange,
    credentials: Credentials,
    allowed: readonly Role[] | 'any',
  ): Promise<void>;
  /**
   * The principal of these credentials; null for none and for wrong ones. Rejects with FORBIDDEN where it has no role,
   * and with 503 while the database is away.
   */
  identify(credentials: Credentials): Promise<Principal | null>;
  /** Whether credentials are those of a principal with a role. Rejects with 503 while the database is away. */
  admits(credentials: Credentials): Promise<boolean>;
  /** Whether credentials still admit. True while the database is away: no stream ends for that. */
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

const withoutRole = (): GraphQLError =>
  refusal(
    'FORBIDDEN',
    `These credentials give no role on this server. Have your identity provider put one of ${roles.join(', ')} into the claim "roles".`,
  );

const wrongRole = (allowed: readonly Role[]): GraphQLError =>
  refusal('FORBIDDEN', `This needs a key with the role ${allowed.join(' or ')}.`);

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
  const authenticate = async (credentials: Credentials): Promise<Principal | null> => {
    try {
      return await auth.authenticate(credentials);
    } catch (error) {
      if (isDomainError(error, 'FORBIDDEN')) throw refusal('FORBIDDEN', error.message);
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
  const identify = async (credentials: Credentials): Promise<Principal | null> => {
    const principal = await authenticate(credentials);
    if (principal?.roles.length === 0) throw withoutRole();
    return principal;
  };
  const admits = async (credentials: Credentials): Promise<boolean> => {
    try {
      return (await identify(credentials)) !== null;
    } catch (error) {
      if ((error as GraphQLError).extensions['code'] === 'FORBIDDEN') return false;
      throw error;
    }
  };
  return {
    identify,
    admits,
    stillHolds: (credentials) => admits(credentials).catch(() => true),
    async admit(exchange, credentials, allowed) {
      if (closed) throw shuttingDown();
      const principal = await identify(credentials);
      if (!principal) {
        throw refusal(
          'UNAUTHENTICATED',
          'Sign in first: send a valid key as "authorization: Bearer …".',
          { headers: { 'www-authenticate': 'Bearer realm="tessera"' } },
        );
      }
      if (allowed !== 'any' && !hasRole(principal, 'ADMIN', ...allowed)) throw wrongRole(allowed);
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
