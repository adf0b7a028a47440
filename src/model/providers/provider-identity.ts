/** A provider's identity by its base URL: without credentials, query or anything else that may be secret. */
export function providerIdentity(baseUrl: string): string {
  const { origin, pathname } = new URL(baseUrl);
  return `${origin}${pathname}`;
}
