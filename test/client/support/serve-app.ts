import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build, type Rollup } from 'vite';

const root = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

const mediaTypes: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript',
  css: 'text/css',
};

/** A page of test/client/fixtures, built with the client of this repository, on an origin of its own. */
export async function serveApp(name: string): Promise<AsyncDisposable & { url: string }> {
  const { output } = (await build({
    configFile: false,
    root: root(`test/client/fixtures/${name}`),
    logLevel: 'silent',
    resolve: {
      alias: {
        'tessera/client': root('client/create-client.ts'),
        'tessera/react': root('client/react.ts'),
      },
    },
    build: { write: false, minify: false },
  })) as Rollup.RollupOutput;
  const files = new Map(
    output.map((part) => [`/${part.fileName}`, 'code' in part ? part.code : part.source]),
  );
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    const file = path === '/' ? '/index.html' : path;
    const content = files.get(file);
    response.setHeader('content-type', mediaTypes[file.split('.').at(-1)!] ?? 'text/plain');
    response.statusCode = content === undefined ? 404 : 200;
    response.end(content);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
