import { timingSafeEqual } from 'node:crypto';
import type { Database } from '../data/database.ts';
import type { Principal } from '../kernel/access/principal.ts';
import { DomainError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { keyPrefix, shownPrefix } from './api-key-rows.ts';
import { createApiKeys } from './api-keys.ts';
import { AuditLog } from './audit/audit-log.ts';
import type { Auth, EndUser, Identity, Visitor } from './auth.ts';
import { createTokenVerifier, type JwtOptions } from './json-web-tokens.ts';
import { hashSecret } from './secret.ts';
import { BrowserSessions } from './sign-in/browser-sessions.ts';
import { OpenId, type OpenIdOptions } from './sign-in/open-id.ts';
import { SignInGuard } from './sign-in/sign-in-guard.ts';

export interface CreateAuthOptions {
  database: Database;
  /** A fixed secret that signs in as the admin, besides the keys in the database. */
  adminKey?: string | null;
  jwt?: JwtOptions | null;
  openId?: OpenIdOptions | null;
  log: Log;
}

const fixedAdmin: Principal = {
  userId: 'admin',
  groups: [],
  roles: ['ADMIN', 'USER'],
  apiKeyId: null,
};
// Longer than any key and any sane token; hashing what a stranger sends stays cheap.
const maxTokenLength = 16_384;

function bearerToken(authorization: string): string | null {
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  return token && token.length <= maxTokenLength ? token : null;
}

function createAdminKeyCheck(adminKey: string | null): (token: string) => boolean {
  if (!adminKey) return () => false;
  const expected = Buffer.from(hashSecret(adminKey));
  return (token) => timingSafeEqual(expected, Buffer.from(hashSecret(token)));
}

interface Asked {
  endUser: EndUser | null;
  visitor: Visitor;
}

const unknownVisitor: Visitor = { address: null, requestId: '' };

const isToken = (token: string): boolean => token.split('.').length === 3;

const namesNobody = (): DomainError =>
  new DomainError(
    'FORBIDDEN',
    'Only an API key with actsForUsers may name another user: leave out x-tessera-user.',
  );

/** Who is calling: the fixed admin key, API keys, tokens of an identity provider, browser sessions. */
export function createAuth(options: CreateAuthOptions): Auth {
  const { database, adminKey = null, jwt, openId, log } = options;
  const isAdminKey = createAdminKeyCheck(adminKey);
  const keys = createApiKeys(database);
  const verifyToken = jwt ? createTokenVerifier(jwt, log) : null;

  const audit = new AuditLog(database);
  const guard = new SignInGuard({ audit, log });
  const adminKeyTag = adminKey ? hashSecret(`tessera session ${adminKey}`).slice(0, 16) : 'none';
  const sessions = new BrowserSessions({ database, audit, adminKeyTag });

  const identityOf = async (token: string, endUser: EndUser | null): Promise<Identity> => {
    if (!isAdminKey(token) && !isToken(token)) return keys.identify(token, endUser);
    if (endUser) throw namesNobody();
    if (isAdminKey(token)) return { principal: fixedAdmin };
    return verifyToken ? verifyToken(token) : { failure: 'unknown' };
  };
  const signIn = async (authorization: string, { endUser, visitor }: Asked): Promise<Identity> => {
    const token = bearerToken(authorization);
    const hash = hashSecret(token ?? '');
    const prefix = token?.startsWith(keyPrefix) ? shownPrefix(token) : null;
    const attempt = { visitor, hash, prefix };
    guard.admit(attempt);
    const identity: Identity = token ? await identityOf(token, endUser) : { failure: 'unknown' };
    if ('principal' in identity) guard.succeeded(attempt);
    else guard.failed(attempt, identity.failure);
    return identity;
  };
  return {
    audit,
    async authenticate({ authorization, session, endUser = null, visitor = unknownVisitor }) {
      // A key that is sent is meant: a wrong one is not made good by a cookie.
      if (authorization) return signIn(authorization, { endUser, visitor });
      if (!session) return { failure: 'missing' };
      if (endUser) throw namesNobody();
      const principal = await sessions.principalOf(session);
      return principal ? { principal } : { failure: 'unknown' };
    },
    createApiKey: keys.createApiKey,
    async revokeApiKey(id, how) {
      const key = await keys.revokeApiKey(id, how);
      await sessions.endOfKey(id, key.roles.includes('ADMIN'));
      return key;
    },
    async rotateApiKey(id, oldSecretValidMs) {
      const rotated = await keys.rotateApiKey(id, oldSecretValidMs);
      await sessions.endOfKey(id, rotated.apiKey.roles.includes('ADMIN'));
      return rotated;
    },
    runsMayGoOn: keys.runsMayGoOn,
    getApiKey: keys.getApiKey,
    apiKeys: keys.apiKeys,
    createLoginLink: (principal) => sessions.createLink(principal),
    redeemLoginLink: (secret, visitor = unknownVisitor) => sessions.redeemLink(secret, visitor),
    startSession: (principal, how) => sessions.start(principal, how),
    sessions: (userId) => sessions.list(userId),
    endSession: (id) => sessions.end(id),
    endSessions: (userId) => sessions.endAll(userId),
    openId: openId ? new OpenId(openId) : null,
    ensureAdminKey: async () => (adminKey ? null : keys.ensureAdminKey()),
    close: keys.close,
  };
}
