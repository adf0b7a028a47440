// npm run bench:ingest-memory: the memory that the command line takes at its peak to read and send files of each kind and
// size, and how much that is beyond one small file's.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';
import { smallPdf } from '../test/cli/support/small-pdf.ts';
import { startServerProcess } from '../test/runs/servers/support/server-process.ts';
import { article } from './made-up-text.ts';
import { adminKey } from './open-socket.ts';

const program = fileURLToPath(new URL('../src/cli/tessera.ts', import.meta.url));
const tellPeak =
  'data:text/javascript,process.on("exit",()=>console.error("peak",process.resourceUsage().maxRSS))';

const textOf = (bytes: number): string => {
  const articles: string[] = [];
  for (let length = 0; length < bytes; length += articles.at(-1)!.length + 2)
    articles.push(article());
  return articles.join('\n\n').slice(0, bytes);
};

const pageOf = (bytes: number): string => {
  const body = textOf(bytes * 0.8)
    .split('\n\n')
    .map((block) =>
      block.startsWith('# ')
        ? `<div class="section"><h2 id="x">${block.slice(2)}</h2></div>`
        : `<p class="text">${block.replaceAll(/(\w+ \w+)\. /g, '<a href="/some/where">$1</a>. ')}</p>`,
    );
  return `<html><head><title>A page</title></head><body><main>${body.join('\n')}</main></body></html>`;
};

/** Pages of 60 lines, deflated as in most files. */
const pdfOf = (bytes: number): Uint8Array => {
  const page = (): Buffer => {
    const lines =
      textOf(4_800)
        .replaceAll(/[()\n]/g, ' ')
        .match(/.{80}/g) ?? [];
    const shown = lines.map((line) => `(${line}) Tj T*`).join('\n');
    return deflateSync(`BT /F1 10 Tf 72 780 Td 12 TL ${shown} ET`);
  };
  const pages: Buffer[] = [];
  for (let length = 0; length < bytes; length += pages.at(-1)!.length + 250) pages.push(page());
  return smallPdf('A paper', pages);
};

const kinds: Record<string, (bytes: number) => string | Uint8Array> = {
  html: pageOf,
  pdf: pdfOf,
  md: textOf,
  txt: textOf,
};

const folder = await mkdtemp(path.join(tmpdir(), 'tessera-bench-'));
const server = await startServerProcess({
  DATA_DIR: path.join(folder, 'data'),
  TESSERA_ADMIN_KEY: adminKey,
  RATE_LIMIT: 'off',
  LOG_LEVEL: 'error',
});

/** In MiB. */
async function peakOf(directory: string): Promise<number> {
  const child = spawn(
    process.execPath,
    ['--import', tellPeak, program, 'ingest', directory, '-c', 'bench'],
    { env: { ...process.env, TESSERA_URL: server.url, TESSERA_KEY: adminKey } },
  );
  let told = '';
  child.stdout.on('data', (text: Buffer) => (told += text));
  child.stderr.on('data', (text: Buffer) => (told += text));
  await new Promise((resolve) => child.once('close', resolve));
  if (/^(Failed|tessera:)/m.test(told)) throw new Error(told);
  return Number(/peak (\d+)/.exec(told)![1]) / 1_024;
}

const sizes: { files: number; kilobytes: number }[] = [
  { files: 1, kilobytes: 1 },
  { files: 1, kilobytes: 100 },
  { files: 1, kilobytes: 1_000 },
  { files: 1, kilobytes: 1_500 },
  { files: 20, kilobytes: 300 },
];

try {
  for (const [ending, make] of Object.entries(kinds)) {
    let least = 0;
    for (const { files, kilobytes } of sizes) {
      const directory = path.join(folder, `${files}-${kilobytes}-${ending}`);
      await mkdir(directory);
      for (let file = 0; file < files; file++) {
        await writeFile(path.join(directory, `${file}.${ending}`), make(kilobytes * 1_000));
      }
      const peak = await peakOf(directory);
      least ||= peak;
      const more = (peak - least).toFixed(0);
      console.log(`${ending}, ${files} of ${kilobytes} kB: ${peak.toFixed(0)} MiB, ${more} more`);
    }
  }
} finally {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
}
