import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTokenVerifier } from '../../src/auth/json-web-tokens.ts';
import { testLog } from '../support/test-log.ts';

let server: Server;
let jwksUrl: string;
let privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

beforeAll(async () => {
  const pair = await generateKeyPair('ES256');
  privateKey = pair.privateKey;
  const keys = [{ ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'ES256' }];
  server = createServer((_, response) => response.end(JSON.stringify({ keys })));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
});
afterAll(() => server.close());

const sign = (claims: JWTPayload, expires = '5m') =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setExpirationTime(expires)
    .sign(privateKey);

/** A verifier whose answer is the principal, or null. */
function verifierOf(...options: Parameters<typeof createTokenVerifier>) {
  const verify = createTokenVerifier(...options);
  return async (token: string) => {
    const identity = await verify(token);
    return 'principal' in identity ? identity.principal : null;
  };
}

test('takes the user from sub, the roles from roles and the groups from groups', async () => {
  const verify = verifierOf({ jwksUrl, audience: null }, testLog);
  const claims = { sub: 'ada', roles: ['admin', 'AUDITOR', 'other'], groups: ['sales', 'hr'] };
  expect(await verify(await sign(claims))).toEqual({
    userId: 'ada',
    groups: ['sales', 'hr'],
    roles: ['ADMIN', 'AUDITOR'],
    apiKeyId: null,
  });
  expect(await verify(await sign({ sub: 'ada' }))).toMatchObject({ roles: ['USER'], groups: [] });
});

test('takes no role that is not spelled as one', async () => {
  const verify = verifierOf({ jwksUrl, audience: null }, testLog);
  const rolesOf = async (roles: unknown) =>
    (await verify(await sign({ sub: 'ada', roles })))?.roles;
  expect(await rolesOf(['user', 'Editor', 'auditor'])).toEqual(['USER', 'EDITOR', 'AUDITOR']);
  expect(await rolesOf('EDITOR')).toEqual(['EDITOR']);
  for (const roles of [['admın'], ['uſer'], [['ADMIN']], [{}], [7], [null], null, 7, {}, 'x']) {
    expect(await rolesOf(roles)).toEqual([]);
  }
});

test('takes no group that cannot be named', async () => {
  const verify = verifierOf({ jwksUrl, audience: null }, testLog);
  const groups = ['sales', 'sales', '', ' ', 'a,b', 'a\0', 'x'.repeat(256), 7, ['hr'], null];
  expect((await verify(await sign({ sub: 'ada', groups })))?.groups).toEqual(['sales']);
  expect((await verify(await sign({ sub: 'ada', groups: 'sales' })))?.groups).toEqual([]);
});

test('refuses what is too old, unsigned, altered, of another audience or issuer, or without a user', async () => {
  const verify = verifierOf({ jwksUrl, issuer: 'us', audience: 'tessera' }, testLog);
  const right = { sub: 'ada', iss: 'us', aud: 'tessera' };
  const good = await sign(right);
  expect(await verify(good)).not.toBeNull();
  const [header, , signature] = good.split('.');
  const payload = Buffer.from(JSON.stringify({ ...right, sub: 'eve' })).toString('base64url');
  const unsigned = Buffer.from('{"alg":"none"}').toString('base64url');
  const otherKey = (await generateKeyPair('ES256')).privateKey;
  const forged = await new SignJWT(right)
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setExpirationTime('5m')
    .sign(otherKey);
  const noEnd = await new SignJWT(right).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
  const bad = [
    await sign(right, '-1m'),
    await sign({ ...right, aud: 'other' }),
    await sign({ ...right, iss: 'them' }),
    await sign({ iss: 'us', aud: 'tessera' }),
    ...(await Promise.all(
      ['', '*', 'admin', 'system', 'a\0da', 'a\ud800', 'a'.repeat(256)].map((sub) =>
        sign({ ...right, sub }),
      ),
    )),
    await sign({ ...right, sub: 7 as unknown as string }),
    `${header}.${payload}.${signature}`,
    `${unsigned}.${payload}.`,
    forged,
    noEnd,
    'a.b.c',
  ];
  expect(await Promise.all(bad.map(verify))).toEqual(bad.map(() => null));
});

test('refuses, and says so in the log, while the key set cannot be read', async () => {
  const warnings: string[] = [];
  const log = { ...testLog, warn: (_: object, message: string) => void warnings.push(message) };
  const verify = verifierOf({ jwksUrl: 'http://127.0.0.1:9/jwks', audience: null }, log);
  expect(await verify(await sign({ sub: 'ada' }))).toBeNull();
  expect(warnings).toEqual([expect.stringContaining('key set')]);
});
