import { expect, test } from 'vitest';
import { pdfToText } from '../../../src/cli/ingest/pdf-text.ts';
import { smallPdf } from '../support/small-pdf.ts';

test('reads every page of a long PDF in order', async () => {
  const pages = Array.from({ length: 120 }, (_, index) => `Page ${index + 1} of glass.`);
  expect(await pdfToText(new Uint8Array(smallPdf('Long', pages)))).toEqual({
    title: 'Long',
    text: pages.join('\n\n'),
  });
});
