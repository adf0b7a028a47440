import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { GuardedFetch } from '../../src/plugins/http-fetch/guarded-fetch.ts';
import { isAllowedHost, isPublicAddress } from '../../src/plugins/http-fetch/host-rules.ts';
import { httpFetch } from '../../src/plugins/http-fetch/http-fetch.ts';
import { callTool, checkPlugin } from '../../src/testing.ts';
import { startStandIn } from './support/stand-in-server.ts';

const text = (body: string) => (response: ServerResponse) =>
  void response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(body);
const redirect = (location: string) => (response: ServerResponse) =>
  void response.writeHead(302, { location }).end();

/** The rules of the test network: every name is loopback, 127.0.0.1 counts as public and 127.0.0.2 does not. */
const guarded = (more = {}): GuardedFetch =>
  new GuardedFetch({
    allow: ['public.test', '*.public.test', '127.0.0.1', 'inside.test', 'mixed.test'],
    maxBytes: 1_000,
    maxRedirects: 3,
    isAllowedAddress: (address) => address === '127.0.0.1',
    resolve: async (host) => {
      if (host === 'inside.test') return ['127.0.0.2'];
      if (host === 'mixed.test') return ['127.0.0.1', '127.0.0.2'];
      if (host.endsWith('public.test')) return ['127.0.0.1'];
      throw new Error('ENOTFOUND');
    },
    ...more,
  });

const signal = (): AbortSignal => AbortSignal.timeout(10_000);

describe('fetch_url', () => {
  test('reads from an allowed host, through redirects', async () => {
    await using site = await startStandIn({
      '/': redirect('/page'),
      '/page': text('Hello, Welt ü'),
    });
    const fetch = guarded();
    expect(await fetch.get(`http://www.public.test:${site.port}/`, signal())).toEqual({
      url: `http://www.public.test:${site.port}/page`,
      status: 200,
      contentType: 'text/plain; charset=utf-8',
      text: 'Hello, Welt ü',
      truncated: false,
    });
    await fetch.close();
  });

  test.for([
    ['file:///etc/passwd', 'no http or https URL'],
    ['ftp://public.test/', 'no http or https URL'],
    ['no url', 'no http or https URL'],
    ['http://user:secret@public.test/', 'may not hold a user name'],
    ['http://other.test/', 'the host other.test is not allowed; allowed are: public.test'],
    ['http://public.test.other.test/', 'is not allowed'],
    ['http://notpublic.test/', 'is not allowed'],
    ['http://127.0.0.2/', 'is not allowed'],
    ['http://2130706434/', 'is not allowed'],
    ['http://[::1]/', 'is not allowed'],
    ['http://inside.test/', 'the address of inside.test is not allowed'],
    ['http://mixed.test/', 'the address of mixed.test is not allowed'],
    ['http://gone.public.test/', 'there is no host gone.public.test'],
  ] as const)('refuses %s', async ([url, message]) => {
    const resolve = async (host: string): Promise<string[]> => {
      if (host === 'gone.public.test') throw new Error('ENOTFOUND');
      return host === 'mixed.test' ? ['127.0.0.1', '127.0.0.2'] : ['127.0.0.2'];
    };
    const fetch = guarded({ resolve });
    await expect(fetch.get(url, signal())).rejects.toThrow(message);
    await fetch.close();
  });

  test.for([
    ['to a host that is not allowed', 'http://other.test/', 'the host other.test is not allowed'],
    ['to an address inside', 'http://127.0.0.2/', 'the host 127.0.0.2 is not allowed'],
    ['to a name inside', 'http://inside.test/', 'the address of inside.test is not allowed'],
    ['to a file', 'file:///etc/passwd', 'no http or https URL'],
    ['without end', '/', 'redirects more than 3 times'],
  ] as const)('refuses a redirect %s', async ([, location, message]) => {
    await using site = await startStandIn({ '/': redirect(location) });
    const fetch = guarded();
    await expect(fetch.get(`http://public.test:${site.port}/`, signal())).rejects.toThrow(message);
    expect(site.asked).toHaveLength(location === '/' ? 4 : 1);
    await fetch.close();
  });

  test('does not connect where a name leads by the time of the connection', async () => {
    await using site = await startStandIn({ '/': text('secret') });
    let asked = 0;
    // DNS rebinding: the first answer passes, the next one leads inside.
    const resolve = async (): Promise<string[]> => [asked++ === 0 ? '127.0.0.1' : '127.0.0.2'];
    const fetch = guarded({ resolve });
    const page = await fetch.get(`http://public.test:${site.port}/`, signal());
    expect([page.text, asked]).toEqual(['secret', 1]);
    await fetch.close();
  });

  test('cuts what is long at a whole character, and refuses what is no text', async () => {
    await using site = await startStandIn({
      '/long': text('ü'.repeat(5_000)),
      '/image': (response) => void response.writeHead(200, { 'content-type': 'image/png' }).end(),
      '/zip': (response) =>
        void response
          .writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip' })
          .end(gzipSync('x'.repeat(100_000))),
    });
    const fetch = guarded({ maxBytes: 1_001 });
    const base = `http://public.test:${site.port}`;
    expect(await fetch.get(`${base}/long`, signal())).toMatchObject({
      text: 'ü'.repeat(500),
      truncated: true,
    });
    await expect(fetch.get(`${base}/image`, signal())).rejects.toThrow('image/png');
    await expect(fetch.get(`${base}/zip`, signal())).rejects.toThrow('gzip');
    await fetch.close();
  });

  test('is refused private addresses by default, and given them on demand', async () => {
    await using site = await startStandIn({ '/': text('intranet') });
    const input = { url: `http://localhost:${site.port}/` };
    const call = { tool: 'fetch_url', input };
    await expect(callTool(httpFetch({ allow: ['localhost'] }), call)).rejects.toThrow(
      'the address of localhost is not allowed',
    );
    const inside = httpFetch({ allow: ['localhost'], allowPrivateAddresses: true });
    expect((await callTool(inside, call)).output).toMatchObject({ text: 'intranet' });
  });

  test('ends with its time', async () => {
    await using site = await startStandIn({ '/': (response) => void response.write('never more') });
    const plugin = httpFetch({
      allow: ['127.0.0.1'],
      allowPrivateAddresses: true,
      timeoutMs: 100,
    });
    const call = { tool: 'fetch_url', input: { url: `${site.url}/` } };
    await expect(callTool(plugin, call)).rejects.toThrow(/took longer than 100 ms/);
  });

  test('is a sound plugin that checks its options', async () => {
    expect(await checkPlugin(httpFetch({ allow: ['example.com'] }))).toEqual([]);
    expect(await checkPlugin(httpFetch({ allow: ['https://example.com'] }))).toEqual([
      'plugin "http-fetch": option allow[0]: is no host: write "example.com", or "*.example.com"',
    ]);
  });
});

test.for([
  '127.0.0.1',
  '10.1.2.3',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
  '::1',
  '::',
  'fc00::1',
  'fe80::1',
  'ff02::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  'no address',
  '::7f00:1',
  '::127.0.0.1',
  '::808:808',
])('%s is no public address', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.for(['93.184.215.14', '2606:2800:21f:cb07:6820:80da:af6b:8b2c', '::ffff:8.8.8.8'])(
  '%s is a public address',
  (address) => {
    expect(isPublicAddress(address)).toBe(true);
  },
);

test('hosts are compared whole, without regard to case or a final dot', () => {
  const rules = ['example.com', '*.example.org'];
  const allowed = [
    'example.com',
    'EXAMPLE.com',
    'example.com.',
    'a.example.org',
    'a.b.example.org',
  ];
  for (const host of allowed) expect(isAllowedHost(host, rules)).toBe(true);
  for (const host of ['a.example.com', 'example.org', 'badexample.org', 'example.com.evil.test']) {
    expect(isAllowedHost(host, rules)).toBe(false);
  }
});
