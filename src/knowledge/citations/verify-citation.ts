import type { ModelCitation, SearchResultBlock } from '../../kernel/model.ts';
import type { Citation } from '../../kernel/run.ts';
import type { PackedSources } from '../knowledge.ts';
import { locateQuotation } from './locate-quotation.ts';
import type { Span } from './split-passages.ts';

/**
 * Checks a provider's citation against what was sent: the source and passages it names must be there, and its words must
 * stand in them. Answers it with the words as they stand in the source; null for a citation that is dangling, misattributed
 * or fabricated.
 */
export function verifyCitation(
  packed: PackedSources,
  citation: ModelCitation,
  textEnd: number,
): Citation | null {
  const { searchResultIndex: sourceIndex, startPassage, endPassage, citedText } = citation;
  const source = packed.sources[sourceIndex];
  const block = packed.blocks[sourceIndex];
  if (!source || !block) return null;
  if (startPassage < 0 || endPassage <= startPassage || endPassage > block.passages.length)
    return null;
  const spans = locatePassages(source.content, block);
  const first = spans[startPassage];
  const last = spans[endPassage - 1];
  if (!first || !last) return null;
  const named = source.content.slice(first.start, last.end);
  const span = locateQuotation(named, citedText);
  if (span) return { sourceIndex, citedText: named.slice(span.start, span.end), textEnd };
  // Providers give several passages' texts joined without what stood between them.
  const passages = block.passages.slice(startPassage, endPassage);
  const joined = passages.length > 1 && locateQuotation(passages.join(''), citedText);
  if (joined && joined.end - joined.start === passages.join('').length)
    return { sourceIndex, citedText: named, textEnd };
  return null;
}

/** Where each passage stands in the content: in order, since passages are slices of it. */
function locatePassages(content: string, block: SearchResultBlock): (Span | undefined)[] {
  let from = 0;
  return block.passages.map((passage) => {
    const start = content.indexOf(passage, from);
    if (start === -1) return undefined;
    from = start + passage.length;
    return { start, end: from };
  });
}
