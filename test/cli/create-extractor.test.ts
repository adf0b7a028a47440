import { expect, test } from 'vitest';
import { createExtractor } from '../../src/cli/ingest/create-extractor.ts';
import { SourceProblem } from '../../src/cli/ingest/source-problem.ts';
import { smallPdf } from './support/small-pdf.ts';

test('a page that takes too long costs its own thread alone', async () => {
  const extractor = createExtractor({ timeoutMs: 1_500 });
  // The converter takes time in the square of the depth: a minute or more for this one.
  const bomb = { kind: 'html' as const, html: '<div>'.repeat(300_000) };
  await expect(extractor.extract(bomb)).rejects.toEqual(
    new SourceProblem('takes longer than 1.5 s to be read'),
  );
  await extractor.close();

  const patient = createExtractor();
  expect(await patient.extract({ kind: 'html', html: '<p>Fine.</p>' })).toEqual({
    ...{ text: 'Fine.', title: null },
  });
  await patient.close();
});

test('a file that unfolds to more than its thread may hold is refused, and the next one is read', async () => {
  const extractor = createExtractor({ memoryMb: 64 });
  const table = `<table>${`<tr>${'<td>x'.repeat(1_000)}`.repeat(1_500)}`;
  await expect(extractor.extract({ kind: 'html', html: table })).rejects.toEqual(
    new SourceProblem('needs more than 64 MB of memory to be read'),
  );
  expect(
    await extractor.extract({ kind: 'pdf', bytes: new Uint8Array(smallPdf('Small', ['Fine.'])) }),
  ).toEqual({ text: 'Fine.', title: 'Small' });
  await extractor.close();
});
