import type { ApiClient } from './create-api-client.ts';
import { CreateLoginLinkDocument } from './operations/operations.generated.ts';
import type { Terminal } from './terminal.ts';

/** Prints a link that signs one browser in as the key's holder, once, within 15 minutes. */
export async function login({
  client,
  url,
  terminal,
}: {
  client: ApiClient;
  /** The server's address as a browser reaches it. */
  url: string;
  terminal: Terminal;
}): Promise<void> {
  const { createLoginLink } = await client.execute(CreateLoginLinkDocument, {});
  terminal.print(new URL(createLoginLink.path, url).href);
  terminal.tell('Signs one browser in, once, within 15 minutes.');
}
