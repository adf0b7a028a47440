import type { CitationsSearchResultLocation } from '@anthropic-ai/sdk/resources/messages/messages';
import type { IndexedSearchResult } from './conversation.ts';
import type { PlannedBlock } from './reply-plan.ts';
import { rankByOverlap, splitSentences } from './word-overlap.ts';

/** A second source is quoted when it fits at least this well, relative to the best. */
const SECOND_SOURCE = 0.6;

const NOT_FOUND = 'The sources I was given do not contain the answer to that. (Demo model)';
const NOTE =
  '\n\n(Demo model: the sentences of your sources that share most words with the question.)';

/**
 * Answers from search results by quoting the sentences that share most content words with the question. Each
 * quotation is a text block of its own with a citation of the block it stands in; `cited_text` is that block's
 * whole text. Without any shared word it says that the sources do not contain the answer, and cites nothing.
 */
export function citedReply(
  question: string,
  results: readonly IndexedSearchResult[],
): PlannedBlock[] {
  const candidates = results.flatMap(({ index, block }) =>
    block.content.flatMap((part, blockIndex) =>
      splitSentences(part.text).map((sentence) => ({
        passage: { sentence, blockText: part.text, result: block, index, blockIndex },
        text: sentence,
      })),
    ),
  );
  const ranked = rankByOverlap(question, candidates);
  const [best] = ranked;
  if (best === undefined) return [{ type: 'text', text: NOT_FOUND }];

  const second = ranked.find(
    ({ passage, score }) =>
      score >= best.score * SECOND_SOURCE &&
      (passage.index !== best.passage.index || passage.blockIndex !== best.passage.blockIndex) &&
      passage.sentence !== best.passage.sentence,
  );
  const quotations = second === undefined ? [best] : [best, second];
  const blocks: PlannedBlock[] = [{ type: 'text', text: 'From your sources: ' }];
  quotations.forEach(({ passage }, position) => {
    if (position > 0) blocks.push({ type: 'text', text: ' Also: ' });
    const { sentence, blockText, result, index, blockIndex } = passage;
    const citation: CitationsSearchResultLocation = {
      type: 'search_result_location',
      cited_text: blockText,
      source: result.source,
      title: result.title,
      search_result_index: index,
      start_block_index: blockIndex,
      end_block_index: blockIndex + 1,
    };
    blocks.push({ type: 'text', text: sentence, citations: [citation] });
  });
  blocks.push({ type: 'text', text: NOTE });
  return blocks;
}

interface NumberedPassage {
  number: string;
  text: string;
}

/** The passages of a prompt that numbers them in plain text: `[1] …` at the start of a line. */
export function numberedPassages(prompt: string): NumberedPassage[] {
  const pattern =
    /^[ \t]*\[(\d+)\][ \t:]*([\s\S]+?)(?=^[ \t]*\[\d+\]|\n[ \t]*\n(?![ \t]*\[\d+\])|(?![\s\S]))/gm;
  return [...prompt.matchAll(pattern)].map((match) => ({
    number: match[1] ?? '',
    text: (match[2] ?? '').trim(),
  }));
}

/** Answers from numbered passages, with `[n]` after the sentence it took from passage n. */
export function bracketReply(
  question: string,
  passages: readonly NumberedPassage[],
): PlannedBlock[] {
  const candidates = passages.flatMap(({ number, text }) =>
    splitSentences(text).map((sentence) => ({ passage: { number, sentence }, text: sentence })),
  );
  const best = rankByOverlap(question, candidates)[0]?.passage;
  if (best === undefined) return [{ type: 'text', text: NOT_FOUND }];
  return [{ type: 'text', text: `From your sources: ${best.sentence} [${best.number}]${NOTE}` }];
}
