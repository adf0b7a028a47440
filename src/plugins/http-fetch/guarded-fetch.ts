import { lookup as dnsLookup } from 'node:dns/promises';
import { Agent, type Dispatcher, request } from 'undici';
import { messageOf } from '../../kernel/message-of.ts';
import { ToolError } from '../../kernel/tools/tool-error.ts';
import { isAllowedHost, isPublicAddress, literalAddress } from './host-rules.ts';

export interface FetchRules {
  /** Hosts that may be asked: names, and `*.name` for all below one. */
  allow: readonly string[];
  maxBytes: number;
  maxRedirects: number;
  /** May this address be connected to? By default every public one. */
  isAllowedAddress?: (address: string) => boolean;
  /** The addresses of a name. The system's resolver by default. */
  resolve?: (host: string) => Promise<string[]>;
}

export interface FetchedPage {
  /** Where it was found in the end. */
  url: string;
  status: number;
  contentType: string;
  text: string;
  /** Was there more than `maxBytes`? */
  truncated: boolean;
}

const readable = /^(text\/|application\/(json|xml|[\w.+-]+\+(json|xml)|javascript|x-ndjson)\b)/i;
const redirects = new Set([301, 302, 303, 307, 308]);

const systemResolve = async (host: string): Promise<string[]> =>
  (await dnsLookup(host, { all: true })).map(({ address }) => address);

/**
 * GET for URLs that a model chose. Only http and https, only hosts of the list, and only addresses that are allowed: a
 * name is resolved once, checked, and connected to by the very address that was checked, so an answer that changes
 * (DNS rebinding) gains nothing; redirects go through the same checks. Compressed answers are refused: what they
 * unpack to is not known.
 */
export class GuardedFetch {
  readonly #rules: FetchRules;
  readonly #agent: Agent;

  constructor(rules: FetchRules) {
    this.#rules = rules;
    const { isAllowedAddress = isPublicAddress, resolve = systemResolve } = rules;
    this.#agent = new Agent({
      connect: {
        lookup: (host, _options, callback) => {
          resolve(host).then(
            (addresses) => {
              const refused = addresses.find((address) => !isAllowedAddress(address));
              if (refused !== undefined || addresses.length === 0) {
                callback(new Error(`the address of ${host} is not allowed`), []);
              } else {
                const family = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4);
                callback(
                  null,
                  addresses.map((address) => ({ address, family: family(address) })),
                );
              }
            },
            () => callback(new Error(`there is no host ${host}`), []),
          );
        },
      },
    });
  }

  /** Rejects with an error that says what is not allowed or went wrong, or `signal.reason`. */
  async get(url: string, signal: AbortSignal): Promise<FetchedPage> {
    let target = this.#checked(url);
    for (let hop = 0; hop <= this.#rules.maxRedirects; hop++) {
      const response = await this.#request(target, signal);
      const { location } = response.headers;
      if (!redirects.has(response.statusCode) || typeof location !== 'string') {
        return this.#read(target, response);
      }
      response.body.destroy();
      target = this.#checked(new URL(location, target).href);
    }
    throw new ToolError(`${url} redirects more than ${this.#rules.maxRedirects} times`);
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #request(target: URL, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    try {
      const response = await request(target, {
        dispatcher: this.#agent,
        signal,
        headers: { accept: 'text/*, application/json, application/xml', 'user-agent': 'Tessera' },
      });
      // A body that is thrown away ends with an error event, which would end the process.
      response.body.on('error', () => undefined);
      return response;
    } catch (error) {
      signal.throwIfAborted();
      const reason = messageOf(error);
      throw new ToolError(`${target.host} cannot be reached: ${reason}`, { cause: error });
    }
  }

  #checked(text: string): URL {
    const url = URL.parse(text);
    if (!url || !['http:', 'https:'].includes(url.protocol)) {
      throw new ToolError(`${text} is no http or https URL`);
    }
    if (url.username || url.password)
      throw new ToolError('a URL may not hold a user name or password');
    const { allow, isAllowedAddress = isPublicAddress } = this.#rules;
    const literal = literalAddress(url.hostname);
    // Names are checked when they are resolved; an address in the URL is never resolved.
    if (!isAllowedHost(url.hostname, allow) || (literal !== null && !isAllowedAddress(literal))) {
      throw new ToolError(
        `the host ${url.hostname} is not allowed; allowed are: ${allow.join(', ')}`,
      );
    }
    return url;
  }

  async #read(
    url: URL,
    { statusCode, headers, body }: Dispatcher.ResponseData,
  ): Promise<FetchedPage> {
    const contentType = String(headers['content-type'] ?? 'text/plain');
    const encoding = headers['content-encoding'] ?? 'identity';
    if (!readable.test(contentType) || encoding !== 'identity') {
      body.destroy();
      throw new ToolError(`${url.href} is ${contentType} (${encoding}), not plain text`);
    }
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of body) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > this.#rules.maxBytes) break;
    }
    const bytes = Buffer.concat(chunks).subarray(0, this.#rules.maxBytes);
    const truncated = length > this.#rules.maxBytes;
    // A character cut in two at the end is dropped, not shown as a replacement.
    const text = new TextDecoder().decode(bytes, { stream: truncated });
    return { url: url.href, status: statusCode, contentType, text, truncated };
  }
}
