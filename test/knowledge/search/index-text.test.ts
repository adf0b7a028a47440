import { describe, expect, it } from 'vitest';
import { foldText } from '../../../src/knowledge/terms/fold-text.ts';
import { indexText, indexWords } from '../../../src/knowledge/terms/index-text.ts';

describe('indexWords', () => {
  it.each([
    ['パリ バリ ハリ', ['パリ', 'バリ', 'ハリ']],
    ['ﾊﾟﾘ', ['パリ']],
    ['黒猫', ['黒猫']],
    ['猫', ['猫']],
    ['환불은 책', ['환불', '불은', '책']],
    ['कि की', ['कि', 'की']],
    ['ข้าวผัดน้ำ', ['ข้าว', 'ผัด', 'น้ำ']],
    ['الفاتورة والفاتورة فَاتُورَة', ['فاتورة', 'فاتورة', 'فاتورة']],
    ['צה״ל סיסמה', ['צהל', 'סיסמה']],
    ['Straße Ærø café', ['strasse', 'aero', 'cafe']],
    ['٢٠٢٦ २०२६ ２０２６', ['2026', '2026', '2026']],
    ['C C++ C# F#', ['c', 'cplusplus', 'csharp', 'fsharp']],
    ['.NET Node.js', ['dotnet', 'net', 'node', 'js', 'nodejs']],
    ['Notepad++', ['notepadplusplus', 'notepad']],
    ['list\n  .map(each)', ['list', 'map', 'each']],
    ['createSigner', ['createsigner', 'create', 'signer']],
    ['Tシャツ 5日', ['t', 'シャ', 'ャツ', '5', '日']],
  ])('reads %s', (text, words) => {
    expect(indexWords(text, 'query')).toEqual(words);
  });

  it('indexes characters that may be words beside pairs', () => {
    expect(indexWords('黒猫')).toEqual(['黒猫', '黒', '猫']);
    expect(indexWords('カメラ')).toEqual(['カメ', 'メラ']);
  });

  it('gives each script its stemming', () => {
    expect(indexText('tea чай תה 茶 चाय شاي τσάι')).toEqual({
      english: 'tea',
      russian: 'чай',
      simple: 'תה 茶',
      hindi: 'चाय',
      arabic: 'شاي',
      greek: 'τσαι',
    });
  });
});

describe('foldText', () => {
  it('keeps the marks that make another letter', () => {
    for (const text of ['パバハ', 'ぱばは', 'किकी', 'น้ำ', 'й', 'ї', '한글'])
      expect(foldText(text)).toBe(text);
  });

  it('takes accents, vowel points and silent characters away', () => {
    expect(foldText('naïve co\u00adoperate שָׁלוֹם مُحَمَّد ёлка')).toBe('naive cooperate שלום محمد елка');
  });
});
