import type { SearchHit } from '../../kernel/run.ts';
import type { PackedSources } from '../knowledge.ts';
import { type Span, splitPassages } from './split-passages.ts';

/**
 * Of UTF-8, rather too few than too many: English prose has about four bytes a token, code and numbers fewer, a Chinese
 * character three.
 */
const bytesPerToken = 3.5;
const tokensPerSource = 30;

/**
 * Packs hits into a token budget, best first, each as one search result block of citable passages. A passage that a better
 * hit of the same document already brings (neighbouring chunks overlap) is sent once. A hit that does not fit is left out;
 * a smaller one after it may still come in.
 */
export function packSources(hits: readonly SearchHit[], tokenBudget: number): PackedSources {
  const packed: PackedSources = { sources: [], blocks: [] };
  const covered = new Map<string, Span[]>();
  let room = tokenBudget;
  for (const hit of hits) {
    const before = covered.get(hit.documentId) ?? [];
    const all = splitPassages(hit.content);
    const fresh = all.filter((span) => !isCovered(span, hit.startOffset, before));
    const spans = fresh.length > 0 ? fresh : all;
    const passages = spans.map(({ start, end }) => hit.content.slice(start, end));
    const tokens = estimateTokens(passages, hit);
    if (tokens > room || passages.length === 0) continue;
    room -= tokens;
    covered.set(hit.documentId, [...before, { start: hit.startOffset, end: hit.endOffset }]);
    packed.sources.push(hit);
    packed.blocks.push({
      type: 'search_result',
      source: hit.source,
      title: titleOf(hit),
      passages,
    });
  }
  return packed;
}

const isCovered = (span: Span, offset: number, spans: readonly Span[]): boolean =>
  spans.some(({ start, end }) => offset + span.start >= start && offset + span.end <= end);

/** The headings above a passage say what it is about, and the columns of its table; the model may not quote them. */
const titleOf = ({ title, source, headingPath }: SearchHit): string =>
  [...new Set([title ?? source, ...headingPath])].join(' › ').slice(0, 1_000);

function estimateTokens(passages: readonly string[], hit: SearchHit): number {
  const bytes = passages.reduce(
    (sum, passage) => sum + Buffer.byteLength(passage) + 4,
    Buffer.byteLength(titleOf(hit)),
  );
  return tokensPerSource + Math.ceil(bytes / bytesPerToken);
}
