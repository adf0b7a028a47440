import { mkdir, symlink, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';
import { createFolder, runCli, spawnCli } from '../support/run-cli.ts';
import { smallPdf } from '../support/small-pdf.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ environment: { BODY_LIMIT_BYTES: '200000' } });
});
afterAll(() => server[Symbol.asyncDispose]());

interface StoredDocument {
  source: string;
  title: string;
  metadata: Record<string, string>;
}

async function stored(collection: string): Promise<StoredDocument[]> {
  const query = `query ($collection: String) { documents(collection: $collection, first: 100) {
    edges { node { source title metadata } } } }`;
  const { documents } = await server.data<{ documents: { edges: { node: StoredDocument }[] } }>(
    query,
    { collection },
  );
  return documents.edges
    .map(({ node }) => node)
    .sort((one, other) => (one.source < other.source ? -1 : 1));
}

async function found(collection: string, query: string): Promise<string> {
  const { search } = await server.data<{ search: { source: string; content: string }[] }>(
    'query ($input: SearchInput!) { search(input: $input) { source content } }',
    { input: { collection, query, topK: 1 } },
  );
  return search[0]?.content ?? '';
}

const page = `<html><head><title>Fish &amp; ships</title><style>p { color: red }</style></head><body>
  <nav>Menu</nav><h2>Herring</h2><p>Herrings <b>swim</b> in shoals, says <a href="/x">Brehm</a>.</p>
  <table><tr><th>Fish</th><th>Length</th></tr><tr><td>Herring</td><td>30 cm</td></tr></table>
  <pre>catch(herring);\n  return;</pre><script>track()</script></body></html>`;

test('reads Markdown, HTML, text and PDF, and sends only what has changed', async () => {
  await using folder = await createFolder({
    'guide/tea.md': '# Tea\n\nTea grows in Assam.\n\n```sh\n# not a heading\n```\n',
    'guide/fish.html': page,
    'guide/deep/notes.txt': 'Oaks live for a thousand years.',
    'guide/paper.pdf': smallPdf('On glass', ['Glass is an amorphous solid.', 'It is no fluid.']),
    'guide/logo.png': 'x',
    'guide/.git/config.txt': 'hidden',
    'guide/node_modules/x/readme.md': '# hidden',
  });
  const run = (...options: string[]) =>
    runCli(['ingest', 'guide', '-c', 'kinds', ...options], { cwd: folder.path, server });
  const first = await run('--metadata', 'team=docs');
  expect(first).toMatchObject({
    code: 0,
    output: expect.stringMatching(
      /^Collection "kinds": 4 new, 0 changed, 0 as before .* Readable by user:admin and admins only\.\nSkipped, \.png files are not read: .*logo\.png\n$/,
    ),
  });
  const file = (kind: string) => ({ team: 'docs', kind, fingerprint: expect.any(String) });
  expect(await stored('kinds')).toEqual([
    { source: 'guide/deep/notes.txt', title: 'notes.txt', metadata: file('text') },
    { source: 'guide/fish.html', title: 'Fish & ships', metadata: file('html') },
    { source: 'guide/paper.pdf', title: 'On glass', metadata: file('pdf') },
    { source: 'guide/tea.md', title: 'Tea', metadata: file('markdown') },
  ]);
  expect(await found('kinds', 'amorphous solid')).toContain(
    'Glass is an amorphous solid.\n\nIt is no fluid.',
  );
  const html = await found('kinds', 'herring shoals');
  expect(html).toContain('## Herring\n\nHerrings swim in shoals, says Brehm.');
  expect(html).toContain('| Fish | Length |');
  expect(html).toContain('| Herring | 30 cm |');
  expect(html).toContain('```\ncatch(herring);\n  return;\n```');
  expect(html).not.toMatch(/Menu|track|color/);

  await folder.write('guide/tea.md', '# Tea\n\nTea grows in Darjeeling.');
  expect((await run('--metadata', 'team=docs')).output).toMatch(/: 0 new, 1 changed, 3 as before/);
  expect((await run('--metadata', 'team=docs', '--force')).output).toMatch(
    /: 0 new, 0 changed, 4 as before/,
  );
  expect((await run('--metadata', 'team=web')).output).toMatch(/: 0 new, 4 changed, 0 as before/);
});

test('tells each file that cannot be read and why, and stores the rest', async () => {
  const bomb = deflateSync(Buffer.alloc(1_000));
  await using folder = await createFolder({
    'a-good.md': '# Good\n\nThis one is fine.',
    'b-binary.txt': Buffer.from([72, 105, 0, 1, 2]),
    'c-latin.txt': Buffer.from('caf\xe9', 'latin1'),
    'd-latin.html': Buffer.from('<meta charset=iso-8859-1><p>The caf\xe9 is open.</p>', 'latin1'),
    'e-blank.md': ' \n\n',
    'f-empty.md': '',
    'g-lies.pdf': Buffer.concat([Buffer.from('%PDF-1.7\n'), bomb]),
    'h-no.pdf': 'This only says that it is one.',
    'i-pictures.pdf': smallPdf('Pictures', ['']),
    'j-bomb.html': '<div>'.repeat(20_000),
    'k-large.txt': 'x'.repeat(250_000),
    'l-escaped.txt': '\u0001'.repeat(150_000),
    'm-named.md': smallPdf('Named', ['A PDF in disguise.']),
    'n-huge.md': '',
    'z-last.txt': 'The last one is fine, too.',
  });
  // A file that claims ten gigabytes, and takes none.
  await truncate(join(folder.path, 'n-huge.md'), 10_000_000_000);
  const options = ['ingest', '.', '-c', 'odd', '--body-limit', '200000'];
  const { code, output } = await runCli(options, { cwd: folder.path, server });
  expect(code).toBe(1);
  expect(output).toContain('Collection "odd": 4 new,');
  const lines = output.split('\n').filter((line) => /^(Failed|Skipped)/.test(line));
  expect(lines).toEqual([
    'Skipped, empty: f-empty.md',
    'Failed: b-binary.txt is binary (it holds NUL bytes)',
    'Failed: c-latin.txt is not UTF-8: convert it, or mend its encoding',
    'Failed: e-blank.md holds no text',
    expect.stringMatching(/^Failed: g-lies\.pdf is no PDF that can be read \(.+\)$/),
    expect.stringMatching(/^Failed: h-no\.pdf is no PDF that can be read \(.+\)$/),
    'Failed: i-pictures.pdf holds no text: its pages may be pictures',
    'Failed: j-bomb.html nests deeper than any page should',
    'Failed: k-large.txt is too large: 0.3 MB, at most 0.2; split it',
    'Failed: l-escaped.txt makes a larger request than the server takes; split it',
    'Failed: n-huge.md is too large: 10000.0 MB, at most 0.2; split it',
  ]);
  const names = (await stored('odd')).map(({ source }) => source);
  expect(names).toEqual(['a-good.md', 'd-latin.html', 'm-named.md', 'z-last.txt']);
  expect(await found('odd', 'café open')).toContain('The café is open.');
});

test('follows no links inside a folder, and names what lies outside by its folder', async () => {
  await using secret = await createFolder({ 'secret.md': '# Secret' });
  await using folder = await createFolder({ 'docs/a.md': '# A\n\nInside.' });
  await symlink(join(secret.path, 'secret.md'), join(folder.path, 'docs/linked.md'));
  await symlink('..', join(folder.path, 'docs/loop'));
  await mkdir(join(folder.path, 'elsewhere'));
  const { code, output } = await runCli(['ingest', '../docs', '-c', 'links'], {
    cwd: join(folder.path, 'elsewhere'),
    server,
  });
  expect({ code, output }).toMatchObject({
    code: 0,
    output: expect.stringMatching(
      /Skipped, symbolic links are not followed: .*linked\.md, .*loop\n/,
    ),
  });
  expect((await stored('links')).map(({ source }) => source)).toEqual(['docs/a.md']);
});

test('sends in batches; what the server refuses is told, and only that', async () => {
  const files = Array.from({ length: 120 }, (_, index) => [`${index}.txt`, `Number ${index}.`]);
  // It fits the limit that the client was told, but not the server's.
  const large = ['large.txt', `${'Words and more words. '.repeat(10_000)}`];
  await using folder = await createFolder(Object.fromEntries([...files, large]));
  const { code, output } = await runCli(['ingest', '.', '-c', 'many'], {
    cwd: folder.path,
    server,
  });
  expect(code).toBe(1);
  expect(output).toContain('Collection "many": 120 new');
  expect(output.match(/^Failed.*$/gm)).toEqual([
    'Failed: large.txt makes a larger request than the server takes: split it, or raise BODY_LIMIT_BYTES',
  ]);
});

test('says who may read the collection, and names readers for a new one', async () => {
  await using folder = await createFolder({ 'a.md': '# Tea' });
  const ingest = (...options: string[]) =>
    runCli(['ingest', 'a.md', '-c', 'read', ...options], { cwd: folder.path, server });
  const made = await ingest('--readers', 'group:sales', 'user:ann');
  expect(made.output).toContain('Readable by user:admin, group:sales, user:ann and admins only.\n');
  const later = await ingest('--readers', '*', '--force');
  expect(later.output).toContain('Readable by user:admin, group:sales, user:ann and admins only.');
  expect(later.progress).toContain('keeps its readers, without *: change them with');
  const wrong = await ingest('--readers', 'ann', '--force');
  expect(wrong).toMatchObject({ code: 1, progress: expect.stringContaining('must be user:NAME') });
  const access = (...words: string[]) => runCli(['access', ...words], { cwd: folder.path, server });
  expect((await access('ann')).output).toContain(
    'reads read (1 of 1 documents). It is read as user:ann.\n',
  );
  expect((await access('bob', '--groups', 'hr')).output).toContain(
    'no    read (0 of 1 documents). It is read by only user:admin, group:sales, user:ann: add user:bob or group:hr with updateCollection(readers).\n',
  );
});

test('is a program of its own', async () => {
  await using folder = await createFolder({ 'a.html': page });
  const { path: cwd } = folder;
  expect(await spawnCli(['ingest', 'a.html', '-c', 'program'], { cwd, server })).toEqual({
    code: 0,
    output: expect.stringMatching(/^Collection "program": 1 new.*\n$/),
    progress: '',
  });
  expect(await spawnCli(['ingest', 'a.html'], { cwd })).toEqual({
    code: 1,
    output: '',
    progress: "error: required option '-c, --collection <name>' not specified\n",
  });
});

test('shows on a terminal how far it is; an interruption loses nothing that was sent', async () => {
  const files = Array.from({ length: 60 }, (_, index) => [`${index + 10}.txt`, `It is ${index}.`]);
  await using folder = await createFolder({ ...Object.fromEntries(files), 'z\u001b[31m.txt': '' });
  const options = { cwd: folder.path, server, columns: 60 };
  const words = ['ingest', '.', '-c', 'stopped'];
  const interruption = new AbortController();
  interruption.abort();
  expect(await runCli(words, { ...options, signal: interruption.signal })).toMatchObject({
    code: 130,
    progress: 'Interrupted. The same command again goes on.\n',
  });
  const { output, progress } = await runCli(words, options);
  expect(progress).toMatch(/^\r░{24} 0 of 61 {2}10\.txt/);
  expect(progress.endsWith('\r\u001b[K')).toBe(true);
  expect(output).toContain('Skipped, empty: z�[31m.txt\n');
  expect(output).toMatch(/: 60 new/);
});

test('says in one line what keeps it from starting', async () => {
  await using folder = await createFolder({ 'a.md': '# A' });
  const { path: cwd } = folder;
  const line = async (options: string[], environment?: Record<string, string>) => {
    const { code, progress } = await runCli(options, { cwd, ...(environment && { environment }) });
    return { code, progress };
  };
  const ingest = ['ingest', 'a.md', '-c', 'x'];
  expect(await line([...ingest, '--url', 'http://127.0.0.1:9'])).toEqual({
    code: 1,
    progress: expect.stringMatching(
      /^tessera: No server answers at http:\/\/127\.0\.0\.1:9\/graphql .*\n$/,
    ),
  });
  expect(await line([...ingest, '--url', server.url, '--key', 'wrong'])).toEqual({
    code: 1,
    progress: 'tessera: The server does not accept the key: set TESSERA_KEY to an admin’s key.\n',
  });
  expect(await line([...ingest, '--url', server.url, '--key', await server.keyFor('ann')])).toEqual(
    {
      code: 1,
      progress: expect.stringMatching(
        /^tessera: You may not write to the collection "x": .*the role EDITOR.*\n$/,
      ),
    },
  );
  expect(await line(ingest, { TESSERA_URL: 'nowhere' })).toEqual({
    code: 1,
    progress: 'tessera: TESSERA_URL must be an http(s) URL\n',
  });
  expect(await line(['ingest', 'gone.md', '-c', 'x'], { TESSERA_URL: server.url })).toEqual({
    code: 1,
    progress: 'tessera: There is no file or folder gone.md.\n',
  });
});
