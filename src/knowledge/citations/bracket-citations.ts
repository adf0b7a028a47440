import type { Citation } from '../../kernel/run.ts';
import { countCommon } from '../count-common.ts';
import type { PackedSources } from '../knowledge.ts';
import { indexWords } from '../terms/index-text.ts';
import { locateQuotation } from './locate-quotation.ts';
import { splitPassages } from './split-passages.ts';

const markers = /\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)(?:\s*:\s*["“]([^"”\]]{1,2000})["”])?\]/g;
const quoted = /["“]([^"”]{12,1000})["”]/g;
const number = /\p{N}+(?:[.,]\p{N}+)*/gu;
/** A claim rests on a passage that has so many of its words that carry meaning. */
const minShared = 0.5;
const stopWords = new Set(
  'a an and are as at be been but by can do does for from had has have how if in into is it its may no not of on or so such than that the their them then there these they this to was were what when where which who will with you your'.split(
    ' ',
  ),
);

/**
 * The citations of an answer that marks its claims after its sources: `… [1]`, `[1, 3]`, `[2: "their words"]`, counted from
 * 1, after the `sourcesBefore` of the conversation. Each names the words that bear the claim: those the answer quotes, else the passage of that source which shares most
 * of the claim's words and has every number in it. A mark without such words is left out.
 */
export function parseBracketCitations(
  text: string,
  packed: PackedSources,
  sourcesBefore = 0,
): Citation[] {
  const citations: Citation[] = [];
  let claimStart = 0;
  let claim = '';
  for (const match of text.matchAll(markers)) {
    const before = text.slice(claimStart, match.index);
    // Marks side by side bear the same claim.
    if (/[\p{L}\p{N}]/u.test(before)) claim = lastSentence(before);
    claimStart = match.index + match[0].length;
    const textEnd = text.slice(0, match.index).trimEnd().length;
    for (const each of match[1]!.split(/[,;]/)) {
      const sourceIndex = Number(each) - 1 - sourcesBefore;
      const content = packed.sources[sourceIndex]?.content;
      const citedText = content && findSupport(content, claim, match[2]);
      if (citedText) citations.push({ sourceIndex, citedText, textEnd });
    }
  }
  return citations;
}

/** The sentence that ends here; closing punctuation may stand before the mark. */
function lastSentence(text: string): string {
  const trimmed = text.replace(/^[\s.!?,;:)。！？，；：）]+/, '').trimEnd();
  const ends = trimmed.matchAll(/[.!?]\s+(?=\S)|[。！？](?=.)|\n/g);
  const start = Math.max(...Array.from(ends, ({ index }) => index + 1), 0);
  return trimmed.slice(start).trim();
}

function findSupport(content: string, claim: string, quotation?: string): string | undefined {
  if (quotation !== undefined) return sliceAt(content, quotation);
  const quotations = [...claim.matchAll(quoted)].map((match) => match[1]!);
  if (quotations.length > 0) {
    const found = quotations.map((each) => sliceAt(content, each));
    return found.every((each) => each !== undefined) ? found[0] : undefined;
  }
  return bestPassage(content, claim);
}

function sliceAt(content: string, quotation: string): string | undefined {
  const span = locateQuotation(content, quotation);
  return span && content.slice(span.start, span.end);
}

function bestPassage(content: string, claim: string): string | undefined {
  const wanted = meaningfulWords(claim);
  const numbers = claim.match(number) ?? [];
  let best: { passage: string; shared: number } | undefined;
  for (const { start, end } of splitPassages(content)) {
    const passage = content.slice(start, end);
    const present = new Set(passage.match(number));
    if (numbers.some((each) => !present.has(each))) continue;
    const shared = countCommon(wanted, meaningfulWords(passage)) / Math.max(1, wanted.size);
    if (shared >= minShared && shared > (best?.shared ?? 0)) best = { passage, shared };
  }
  return best?.passage;
}

/** Cut to six letters, so that "measures" and "measured" count as one word. */
const meaningfulWords = (text: string): Set<string> =>
  new Set(
    indexWords(text, 'query')
      .filter((word) => !stopWords.has(word))
      .map((word) => word.slice(0, 6)),
  );
