import * as client from 'openid-client';
import type { Principal } from '../../kernel/access/principal.ts';
import { isLoopback } from '../../kernel/is-loopback.ts';
import { principalOfClaims } from '../json-web-tokens.ts';

export interface OpenIdOptions {
  /** The provider, as its discovery document names itself. */
  issuer: string;
  clientId: string;
  clientSecret: string | null;
  /** Where the provider sends the browser back to; registered there. */
  redirectUrl: string;
  /** Separated by spaces; "openid" is among them. */
  scopes: string;
}

/** What a browser brings back to the provider's answer: none of it may be guessed or used twice. */
export interface SignInState {
  state: string;
  nonce: string;
  verifier: string;
}

/** Sign-in by an OpenID provider: authorization code with PKCE (OpenID Connect Core 1.0, RFC 7636). */
export class OpenId {
  readonly #options: OpenIdOptions;
  #discovered: Promise<client.Configuration> | null = null;

  constructor(options: OpenIdOptions) {
    this.#options = options;
  }

  /** Where the browser is sent. Rejects while the provider cannot be reached. */
  async begin(): Promise<{ url: URL; state: SignInState }> {
    const configuration = await this.#configuration();
    const verifier = client.randomPKCECodeVerifier();
    const state = { state: client.randomState(), nonce: client.randomNonce(), verifier };
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: this.#options.redirectUrl,
      scope: this.#options.scopes,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state: state.state,
      nonce: state.nonce,
    });
    return { url, state };
  }

  /**
   * The person whom the provider's answer (the query of the redirect) names; null where the provider names somebody whom
   * this server reserves. Rejects for an answer that is not to this sign-in.
   */
  async finish(search: string, { state, nonce, verifier }: SignInState): Promise<Principal | null> {
    const answer = new URL(this.#options.redirectUrl);
    answer.search = search;
    const tokens = await client.authorizationCodeGrant(await this.#configuration(), answer, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
    });
    const claims = tokens.claims();
    return claims ? principalOfClaims(claims) : null;
  }

  /** Read once; asked for again after a failure. */
  #configuration(): Promise<client.Configuration> {
    this.#discovered ??= this.#discover().catch((error: unknown) => {
      this.#discovered = null;
      throw error;
    });
    return this.#discovered;
  }

  #discover(): Promise<client.Configuration> {
    const { issuer, clientId, clientSecret } = this.#options;
    const url = new URL(issuer);
    const authentication =
      clientSecret === null ? client.None() : client.ClientSecretPost(clientSecret);
    // Over http only to this machine, as the configuration has made sure.
    const execute = isLoopback(url.hostname) ? [client.allowInsecureRequests] : [];
    return client.discovery(url, clientId, {}, authentication, { execute, timeout: 10 });
  }
}
