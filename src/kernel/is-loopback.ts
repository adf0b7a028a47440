/** Whether a host name or address means this machine. IPv6 as in a URL ("[::1]") or bare, IPv4 also mapped into IPv6. */
export const isLoopback = (host: string): boolean =>
  /^(localhost|\[?::1\]?|(::ffff:)?127(\.\d{1,3}){3})$/i.test(host);
