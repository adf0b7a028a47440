const textOperators = (text: string): string => `BT /F1 12 Tf 72 720 Td (${text}) Tj ET`;

/** A PDF of one page for each text, with a title; pages that are bytes are deflated operators. */
export function smallPdf(title: string, pages: readonly (string | Buffer)[]): Uint8Array {
  const pageNumber = (index: number): number => 5 + index * 2;
  const stream = (page: string | Buffer): string => {
    const content = typeof page === 'string' ? textOperators(page) : page.toString('latin1');
    const filter = typeof page === 'string' ? '' : ' /Filter /FlateDecode';
    return `<< /Length ${content.length}${filter} >>\nstream\n${content}\nendstream`;
  };
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${pages.map((_, index) => `${pageNumber(index)} 0 R`).join(' ')}] /Count ${pages.length} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    `<< /Title (${title}) >>`,
    ...pages.flatMap((page, index) => [
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents ${pageNumber(index) + 1} 0 R >>`,
      stream(page),
    ]),
  ];
  let file = '%PDF-1.4\n';
  const offsets = objects.map((object, index) => {
    const offset = file.length;
    file += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(offset).padStart(10, '0')} 00000 n \n`;
  });
  const start = file.length;
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join('')}`;
  file += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R /Info 4 0 R >>\nstartxref\n${start}\n%%EOF\n`;
  return Buffer.from(file, 'latin1');
}
