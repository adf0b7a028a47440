import { SourceProblem } from './source-problem.ts';

/** Yields the text of `bytes` in pieces. Throws a `SourceProblem` where they are not text of that encoding. */
export function* decodeSource(
  bytes: Uint8Array,
  charset: string,
  pieceBytes: number,
): Generator<string> {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : charset;
  if (encoding !== 'utf-16le' && bytes.includes(0)) {
    throw new SourceProblem('is binary (it holds NUL bytes)');
  }
  try {
    const decoder = new TextDecoder(encoding, { fatal: true });
    for (let start = 0; start < bytes.length; start += pieceBytes) {
      yield decoder.decode(bytes.subarray(start, start + pieceBytes), { stream: true });
    }
    yield decoder.decode();
  } catch {
    throw new SourceProblem(`is not ${encoding.toUpperCase()}: convert it, or mend its encoding`);
  }
}
