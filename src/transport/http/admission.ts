import type { GraphQLError } from 'graphql';
import type { Auth, Credentials, Identity, SignInFailure } from '../../auth/auth.ts';
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

const mendings: Record<SignInFailure, string> = {
  missing: 'Sign in first: send a valid key as "authorization: Bearer …".',
  unknown: 'Sign in first: send a valid key as "authorization: Bearer …".',
  expired: 'Your key, token or session has expired: sign in again, or ask for a new key.',
  revoked: 'This key was revoked: ask for a new one.',
  replaced: 'This key has been given a new secret: use that one.',
  wrongAudience:
    'This token was made for another application: ask your identity provider for one with the audience of this server.',
};

function notSignedIn(failure: SignInFailure): GraphQLError {
  const known = failure !== 'missing' && failure !== 'unknown';
  return refusal('UNAUTHENTICATED', mendings[failure], {
    headers: { 'www-authenticate': 'Bearer realm="tessera"' },
    ...(known && { details: { reason: failure } }),
  });
}

function tooOften(message: string, retryAfter: number): GraphQLError {
  return refusal('RATE_LIMITED', message, {
    headers: { 'retry-after': String(retryAfter) },
    details: { retryAfter },
  });
}

/** What keeps callers from being identified, as a refusal. */
function refusalOf(error: unknown, log: Log): GraphQLError {
  if (isDomainError(error, 'FORBIDDEN')) return refusal('FORBIDDEN', error.message);
  if (isDomainError(error, 'RATE_LIMITED')) {
    return tooOften(error.message, Math.ceil((error.details.retryAfterMs ?? 1_000) / 1_000));
  }
  log.error({ err: error }, 'callers cannot be identified');
  const message = 'The server cannot check your key just now. Try again.';
  const headers = { 'retry-after': '5' };
  return refusal('INTERNAL_SERVER_ERROR', message, { status: 503, headers });
}

interface AdmissionOptions {
  auth: Auth;
  rateLimiter: RateLimiter;
  log: Log;
}

export function createAdmission({ auth, rateLimiter, log }: AdmissionOptions): Admission {
  let stopping = false;
  let closed = false;
  const identityOf = async (credentials: Credentials): Promise<Identity> => {
    const identity = await auth.authenticate(credentials).catch((error: unknown) => {
      throw refusalOf(error, log);
    });
    if ('principal' in identity && identity.principal.roles.length === 0) throw withoutRole();
    return identity;
  };
  const identify = async (credentials: Credentials): Promise<Principal | null> => {
    const identity = await identityOf(credentials);
    return 'principal' in identity ? identity.principal : null;
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
      exchange.address = credentials.visitor?.address ?? null;
      const identity = await identityOf(credentials);
      if ('failure' in identity) throw notSignedIn(identity.failure);
      const { principal } = identity;
      if (allowed !== 'any' && !hasRole(principal, 'ADMIN', ...allowed)) throw wrongRole(allowed);
      exchange.caller = { ...principal, requestId: exchange.requestId };
      const retryAfter = await rateLimiter.take(principal);
      if (retryAfter === null) return;
      throw tooOften(`Too many requests. Try again in ${retryAfter} s.`, retryAfter);
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

const shuttingDown = (): GraphQLError =>
  refusal('SHUTTING_DOWN', 'This server is shutting down. Try again on another.', {
    headers: { 'retry-after': '1', connection: 'close' },
  });
