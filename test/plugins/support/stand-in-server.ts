import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server on loopback that answers by path, and counts what it was asked. */
export async function startStandIn(
  answers: Record<string, (response: ServerResponse, url: URL) => void>,
): Promise<AsyncDisposable & { url: string; port: number; asked: URL[] }> {
  const asked: URL[] = [];
  const listener: RequestListener = (request, response) => {
    const url = new URL(request.url ?? '/', 'http://stand-in');
    asked.push(url);
    const answer = answers[url.pathname];
    if (answer) answer(response, url);
    else response.writeHead(404, { 'content-type': 'text/plain' }).end('not found');
  };
  const server = createServer(listener).listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
