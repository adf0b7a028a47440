import ipaddr from 'ipaddr.js';

/** A host as an allow-list names it: `example.com`, or `*.example.com` for everything below it (not itself). */
export const hostRule = /^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$|^\[?[0-9a-f:.]+\]?$/;

const bare = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');

export function isAllowedHost(host: string, rules: readonly string[]): boolean {
  const name = bare(host);
  return rules.some((rule) =>
    rule.startsWith('*.') ? name.endsWith(rule.slice(1)) : name === bare(rule),
  );
}

/** IPv4 addresses as IPv6 wrote them before ::ffff: (RFC 4291, 2.5.5.1); some systems still connect to them. */
const compatible = ipaddr.IPv6.parseCIDR('::/96');

/** Is it an address of the public internet? Loopback, private, link-local (cloud metadata!) and the like are not. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  // `process` unwraps an IPv4 address inside an IPv6 one: ::ffff:127.0.0.1 is loopback.
  const parsed = ipaddr.process(address);
  const isCompatible = parsed instanceof ipaddr.IPv6 && parsed.match(compatible);
  return parsed.range() === 'unicast' && !isCompatible;
}

/** The host of a URL, if it is an address itself. */
export const literalAddress = (host: string): string | null =>
  ipaddr.isValid(bare(host)) ? bare(host) : null;
