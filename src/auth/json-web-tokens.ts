import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import type { Log } from '../kernel/log.ts';
import type { Principal } from '../kernel/principal.ts';
import { isStorable } from '../kernel/storable-text.ts';
import { isGroupName } from './group-name.ts';
import { knownRoles } from './known-roles.ts';

export interface JwtOptions {
  /** Where the issuer publishes its public keys (RFC 7517). */
  jwksUrl: string;
  issuer?: string | null;
  audience?: string | null;
}

// Public-key signatures only: a shared secret has no place in a published key set.
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
  .concat(['ES256', 'ES384', 'ES512'])
  .concat(['EdDSA', 'Ed25519']);

/** OpenID Connect's limit. */
const maxUserIdLength = 255;

/** "*" means everyone where budgets are set. */
const isUserId = (sub: unknown): sub is string =>
  typeof sub === 'string' &&
  sub !== '' &&
  sub !== '*' &&
  sub.length <= maxUserIdLength &&
  isStorable(sub);

const maxGroups = 1_000;

/** Names of the claim `groups`: strings that the database can store, each once. Anything else in the claim is skipped. */
const claimedGroups = (groups: unknown): string[] =>
  Array.isArray(groups) ? [...new Set(groups.filter(isGroupName))].slice(0, maxGroups) : [];

function toPrincipal({ sub, roles, groups }: JWTPayload): Principal | null {
  if (!isUserId(sub)) return null;
  const claimed = Array.isArray(roles)
    ? knownRoles(roles.map((role) => String(role).toUpperCase()))
    : (['USER'] as const);
  return { userId: sub, groups: claimedGroups(groups), roles: claimed, apiKeyId: null };
}

/**
 * Tokens of an identity provider: `sub` is the user id, the claim `roles` a list of roles (USER when it is left out), the
 * claim `groups` a list of names. A token must expire. The key set is fetched when first needed and when a token names a new key.
 */
export function createTokenVerifier(
  options: JwtOptions,
  log: Log,
): (token: string) => Promise<Principal | null> {
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
      return toPrincipal(payload);
    } catch (error) {
      const refused = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout);
      if (!refused) log.warn({ err: error }, 'the key set of the token issuer cannot be read');
      return null;
    }
  };
}
