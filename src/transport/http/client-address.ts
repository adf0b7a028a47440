import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** Whether an address is a proxy's whose word on its clients counts. */
export type IsTrusted = (address: string) => boolean;

/** IPv4 as itself, also where a socket for both versions maps it into IPv6. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** Addresses and networks, like 10.0.0.0/8. Those that are malformed throw. */
export function trustedProxies(networks: readonly string[]): IsTrusted {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    if (bits === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(bits), familyOf(address));
  }
  return (address) => isIP(address) !== 0 && list.check(address, familyOf(address));
}

/** An entry of X-Forwarded-For: an address, in brackets or with a port where a proxy adds them. */
function forwarded(entry: string): string | null {
  const text = entry.trim();
  const address = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? text.replace(/^([\d.]+):\d+$/, '$1');
  return isIP(address) ? plain(address) : null;
}

/**
 * The client's address: the last one in the chain of proxies that is no trusted proxy's. What is further left may be made
 * up by the client. Null for a socket that is closed already.
 */
export function clientAddress(
  { socket, headers }: IncomingMessage,
  isTrusted: IsTrusted,
): string | null {
  if (!socket.remoteAddress) return null;
  const header = headers['x-forwarded-for'];
  const chain = String(header ?? '')
    .split(',')
    .filter((entry) => entry.trim() !== '');
  let address = plain(socket.remoteAddress);
  while (isTrusted(address)) {
    const next = forwarded(chain.pop() ?? '');
    if (next === null) break;
    address = next;
  }
  return address;
}
