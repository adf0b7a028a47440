import { describe, expect, it } from 'vitest';
import type { ModelCitation } from '../../../src/kernel/model.ts';
import type { SearchHit } from '../../../src/kernel/run.ts';
import { parseBracketCitations } from '../../../src/knowledge/citations/bracket-citations.ts';
import { locateQuotation } from '../../../src/knowledge/citations/locate-quotation.ts';
import { packSources } from '../../../src/knowledge/citations/pack-sources.ts';
import { verifyCitation } from '../../../src/knowledge/citations/verify-citation.ts';

const hit = (content: string, more: Partial<SearchHit> = {}): SearchHit => ({
  chunkId: 'c',
  documentId: content.slice(0, 8),
  source: 'guide.md',
  title: 'Guide',
  content,
  score: 1,
  metadata: {},
  headingPath: [],
  startOffset: 0,
  endOffset: content.length,
  ...more,
});

const sentences = [
  'The wing of the aircraft measures 12.5 metres from tip to tip in total.',
  'Its makers call it “the swift”, although it flies at only 128 knots at best.',
  'A full tank lasts for three hours of flight over water and over land.',
];
const packed = packSources(
  [
    hit(sentences.join(' \n')),
    hit('Boats float because they displace as much water as they weigh.'),
  ],
  2_000,
);

describe('packSources', () => {
  it('cuts sentences, loses none, and keeps sources and blocks in step', () => {
    expect(packed.blocks[0]?.passages).toEqual(sentences);
    expect(packed.sources).toHaveLength(packed.blocks.length);
  });

  it('stays within the budget, best first, and lets a smaller one in', () => {
    const long = hit('Long sentence number one goes here. '.repeat(200));
    const short = hit('Short, and it fits the budget that is left over after all.');
    expect(packSources([short, long, short], 150).sources).toEqual([short, short]);
    expect(packSources([long], 10).sources).toEqual([]);
  });

  it('counts the bytes of scripts whose characters are a token each', () => {
    const chinese = hit('退款将在五个工作日内到账。'.repeat(20));
    expect(packSources([chinese], 200).sources).toEqual([]);
    expect(packSources([chinese], 500).sources).toEqual([chinese]);
  });

  it('names the headings and the columns of a table above its rows', () => {
    const headingPath = ['Prices', 'Plan | Seats | Price in EUR'];
    expect(packSources([hit('| Pro | 5 | 9 |', { headingPath })], 500).blocks[0]?.title).toBe(
      'Guide › Prices › Plan | Seats | Price in EUR',
    );
  });

  it('sends the overlap of neighbouring chunks once', () => {
    const text = Array.from(
      { length: 9 },
      (_, n) => `This is sentence number ${n} of the whole document, with some words.`,
    );
    const whole = text.join(' ');
    const chunk = (from: number, to: number): SearchHit => {
      const start = whole.indexOf(text[from]!);
      const end = whole.indexOf(text[to]!) + text[to]!.length;
      return hit(whole.slice(start, end), { documentId: 'd', startOffset: start, endOffset: end });
    };
    const { blocks, sources } = packSources([chunk(3, 6), chunk(0, 4), chunk(6, 8)], 2_000);
    expect(blocks.map(({ passages }) => passages)).toEqual([
      text.slice(3, 7),
      text.slice(0, 3),
      text.slice(7),
    ]);
    expect(sources[1]?.content).toContain(text[4]);
  });
});

describe('verifyCitation', () => {
  const cite = (citedText: string, more: Partial<ModelCitation> = {}) =>
    verifyCitation(
      packed,
      { searchResultIndex: 0, startPassage: 0, endPassage: 3, citedText, ...more },
      7,
    );

  it('serves words that stand in the passages named', () => {
    expect(cite(sentences[0]!)).toEqual({ sourceIndex: 0, citedText: sentences[0], textEnd: 7 });
    expect(cite('flies at only 128 knots')?.citedText).toBe('flies at only 128 knots');
  });

  it("serves the source's own form of white space, quotes and dashes", () => {
    expect(cite('call it "the swift", although it  flies')?.citedText).toBe(
      'call it “the swift”, although it flies',
    );
    expect(cite(`${sentences[0]} ${sentences[1]}`)?.citedText).toBe(
      `${sentences[0]} \n${sentences[1]}`,
    );
    expect(cite(sentences.join(''))?.citedText).toBe(sentences.join(' \n'));
  });

  it.each([
    ['a changed number', { citedText: 'flies at only 129 knots' }],
    ['a shortened number', { citedText: 'measures 12' }],
    ['the tail of a number', { citedText: '5 metres from tip' }],
    ['half a word', { citedText: 'wing of the air' }],
    ['a dropped word', { citedText: 'A full tank lasts three hours' }],
    ['nothing', { citedText: ' … ' }],
    ["another source's words", { citedText: 'Boats float because they displace' }],
    ['words of another passage', { citedText: 'A full tank', endPassage: 1 }],
    ['a source that was not sent', { citedText: 'A full tank', searchResultIndex: 2 }],
    ['a passage that was not sent', { citedText: 'A full tank', endPassage: 4 }],
    ['a range that is none', { citedText: 'A full tank', startPassage: 2, endPassage: 2 }],
  ])('refuses %s', (_, { citedText, ...more }) => {
    expect(cite(citedText, more)).toBeNull();
  });
});

describe('locateQuotation', () => {
  it('answers where it stands, past an occurrence inside a longer word', () => {
    expect(locateQuotation('128 or 12', '12')).toEqual({ start: 7, end: 9 });
    expect(locateQuotation('(−5) and -5 and 5', '5')).toEqual({ start: 16, end: 17 });
    expect(locateQuotation('soft\u00adhyphen', 'softhyphen')).toEqual({ start: 0, end: 11 });
  });
});

describe('parseBracketCitations', () => {
  const parse = (text: string) => parseBracketCitations(text, packed);

  it('finds the passage that bears a marked claim', () => {
    const text = 'It can stay up three hours on a full tank of flight fuel [1].';
    expect(parse(text)).toEqual([
      { sourceIndex: 0, citedText: sentences[2], textEnd: text.indexOf(' [') },
    ]);
  });

  it('takes several marks, and words quoted in the mark or the claim', () => {
    const text =
      'Boats float by displacing water [1, 2]. It is called "the swift, although" [1] or [1: "the swift"].';
    expect(parse(text).map(({ sourceIndex, citedText }) => [sourceIndex, citedText])).toEqual([
      [1, packed.blocks[1]?.passages[0]],
      [0, 'the swift'],
    ]);
  });

  it.each([
    ['a source that is not there', 'A full tank lasts for three hours [3].'],
    ['a changed number', 'The wing of the aircraft measures 12.6 metres from tip to tip [1].'],
    ['a claim the source does not make', 'The pilot ate bread and cheese every morning [1].'],
    [
      'a quotation that does not stand there',
      'A full tank lasts for three hours [1: "lasts for four hours"].',
    ],
  ])('leaves out %s', (_, text) => {
    expect(parse(text)).toEqual([]);
  });
});
