import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';

export interface CuttingProxy extends AsyncDisposable {
  url: string;
  /** Connections made until now. */
  connections(): number;
  /** Ends every connection: by a reset, or by letting nothing through any more while both ends stay open. */
  cut(how: 'reset' | 'half-open'): void;
  /** Where connections go from now on. */
  setTarget(url: string): void;
}

/** A network that breaks when it is told to. */
export async function startCuttingProxy(targetUrl: string): Promise<CuttingProxy> {
  let target = new URL(targetUrl);
  let connections = 0;
  const pairs = new Set<{ client: Socket; server: Socket }>();
  const server = createServer((client) => {
    connections += 1;
    const upstream = dial(Number(target.port), target.hostname);
    const pair = { client, server: upstream };
    pairs.add(pair);
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) {
      socket.on('error', () => {});
      socket.on('close', () => {
        pairs.delete(pair);
        client.destroy();
        upstream.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (how: 'reset' | 'half-open'): void => {
    for (const { client, server: upstream } of pairs) {
      if (how === 'reset') {
        client.resetAndDestroy();
        upstream.resetAndDestroy();
        continue;
      }
      client.unpipe(upstream);
      upstream.unpipe(client);
      client.resume();
      upstream.resume();
    }
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    cut,
    setTarget: (url) => {
      target = new URL(url);
    },
    async [Symbol.asyncDispose]() {
      for (const { client, server: upstream } of pairs) {
        client.destroy();
        upstream.destroy();
      }
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
