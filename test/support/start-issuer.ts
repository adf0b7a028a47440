import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

export const audience = 'tessera-tests';

/** An identity provider of its own: a published key set, and tokens signed by its key. */
export async function startIssuer() {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }];
  const server = createServer((_, response) => response.end(JSON.stringify({ keys })));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  return {
    jwksUrl,
    /** What a server needs to take its tokens. */
    environment: { TESSERA_JWKS_URL: jwksUrl, TESSERA_JWT_AUDIENCE: audience },
    /** A token that holds for `expires`. */
    sign: (claims: JWTPayload, expires = '5m'): Promise<string> =>
      new SignJWT({ aud: audience, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setExpirationTime(expires)
        .sign(privateKey),
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}
