import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import type { Principal, Role } from '../kernel/access/principal.ts';
import type { Log } from '../kernel/log.ts';
import type { Identity, SignInFailure } from './auth.ts';
import { isGroupName } from './group-name.ts';
import { knownRoles } from './known-roles.ts';
import { isUserId } from './user-id.ts';

export interface JwtOptions {
  /** Where the issuer publishes its public keys (RFC 7517). */
  jwksUrl: string;
  issuer?: string | null;
  /** Tokens for another audience are refused; null takes all. */
  audience: string | null;
}

// Public-key signatures only: a shared secret has no place in a published key set.
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
  .concat(['ES256', 'ES384', 'ES512'])
  .concat(['EdDSA', 'Ed25519']);

const maxGroups = 1_000;

/** Names of the claim `groups`: strings that the database can store, each once. Anything else in the claim is skipped. */
const claimedGroups = (groups: unknown): string[] =>
  Array.isArray(groups) ? [...new Set(groups.filter(isGroupName))].slice(0, maxGroups) : [];

/** ASCII letters only: "ı" and "ſ" have I and S for capitals. */
const roleName = (name: unknown): unknown =>
  typeof name === 'string' && /^[a-z]+$/i.test(name) ? name.toUpperCase() : null;

/** USER where the provider says nothing of roles; a claim without a known role gives none. */
function claimedRoles(claim: unknown): Role[] {
  if (claim === undefined) return ['USER'];
  return knownRoles([claim].flat(1).map(roleName));
}

/**
 * The principal of a provider's claims: `sub` is the user id, `roles` a list of roles (USER when it is left out), `groups`
 * a list of names. Null where `sub` is no user's.
 */
export function principalOfClaims({ sub, roles, groups }: JWTPayload): Principal | null {
  if (!isUserId(sub)) return null;
  return {
    userId: sub,
    groups: claimedGroups(groups),
    roles: claimedRoles(roles),
    apiKeyId: null,
  };
}

function failureOf(error: unknown): SignInFailure {
  if (error instanceof errors.JWTExpired) return 'expired';
  const isAudience = error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud';
  return isAudience ? 'wrongAudience' : 'unknown';
}

/**
 * Tokens of an identity provider. A token must expire. The key set is fetched when first needed and when a token names a
 * new key.
 */
export function createTokenVerifier(
  options: JwtOptions,
  log: Log,
): (token: string) => Promise<Identity> {
  const keySet = createRemoteJWKSet(new URL(options.jwksUrl), { timeoutDuration: 4_000 });
  const checks = {
    algorithms,
    clockTolerance: 5,
    requiredClaims: ['sub', 'exp'],
    ...(options.issuer ? { issuer: options.issuer } : {}),
    ...(options.audience ? { audience: options.audience } : {}),
  };
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keySet, checks);
      const principal = principalOfClaims(payload);
      return principal ? { principal } : { failure: 'unknown' };
    } catch (error) {
      const refused = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout);
      if (!refused) log.warn({ err: error }, 'the key set of the token issuer cannot be read');
      return { failure: failureOf(error) };
    }
  };
}
