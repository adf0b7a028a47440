import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createExtractor } from '../../../src/cli/ingest/create-extractor.ts';
import { SourceProblem } from '../../../src/cli/ingest/source-problem.ts';
import { smallPdf } from '../support/small-pdf.ts';

const page = (html: string) => ({ kind: 'html' as const, bytes: new TextEncoder().encode(html) });

test('a page that takes too long costs its own thread alone', async () => {
  const extractor = createExtractor({ timeoutMs: 20 });
  await expect(extractor.extract(page('<p>Word.'.repeat(1_000_000)))).rejects.toEqual(
    new SourceProblem('takes longer than 0.02 s to be read'),
  );
  await extractor.close();

  const patient = createExtractor();
  expect(await patient.extract(page('<p>Fine.</p>'))).toEqual({ text: 'Fine.', title: null });
  await patient.close();
});

test('a file that unfolds to more than its thread may hold is refused, and the next one is read', async () => {
  const extractor = createExtractor({ memoryMb: 64 });
  const bomb = smallPdf('Bomb', [deflateSync(Buffer.alloc(200_000_000, '0 '))]);
  await expect(extractor.extract({ kind: 'pdf', bytes: new Uint8Array(bomb) })).rejects.toEqual(
    new SourceProblem('needs more than 64 MB of memory to be read'),
  );
  expect(
    await extractor.extract({ kind: 'pdf', bytes: new Uint8Array(smallPdf('Small', ['Fine.'])) }),
  ).toEqual({ text: 'Fine.', title: 'Small' });
  await extractor.close();
});
