import type { Piece } from './openai-delta.ts';

const opening = /^\s*<think>/i;
/** The beginning of an opening tag, perhaps. */
const perhapsOpening = /^\s*(<|<t|<th|<thi|<thin|<think)?$/i;
const closing = '</think>';

/**
 * Splits the thinking off an answer that begins with it between tags, as open models write it: `<think>…</think>`. Tags
 * that come later are text like any other. Pieces may cut a tag anywhere.
 */
export class ThinkTags {
  /** Where the text stands: before its first word, between the tags, or in the answer. */
  #place: 'before' | 'within' | 'answer' = 'before';
  #hasThought = false;
  #pending = '';

  split(text: string): Piece[] {
    if (this.#place === 'answer') return [{ kind: 'text', text }];
    this.#pending += text;
    const pieces: Piece[] = [];
    while (this.#step(pieces));
    return pieces;
  }

  /** What was held back as perhaps a tag. */
  end(): Piece[] {
    const text = this.#pending;
    this.#pending = '';
    if (this.#hasThought && text.trim() === '') return [];
    return [{ kind: this.#place === 'within' ? 'thinking' : 'text', text }];
  }

  /** True when there may be another step. */
  #step(pieces: Piece[]): boolean {
    if (this.#place === 'within') return this.#readThinking(pieces);
    const tag = opening.exec(this.#pending);
    if (tag) {
      this.#pending = this.#pending.slice(tag[0].length);
      this.#hasThought = true;
      this.#place = 'within';
      return true;
    }
    if (perhapsOpening.test(this.#pending)) return false;
    this.#place = 'answer';
    // The line feeds between the thinking and the answer belong to neither.
    const text = this.#hasThought ? this.#pending.trimStart() : this.#pending;
    pieces.push({ kind: 'text', text });
    this.#pending = '';
    return false;
  }

  #readThinking(pieces: Piece[]): boolean {
    const end = this.#pending.toLowerCase().indexOf(closing);
    if (end >= 0) {
      pieces.push({ kind: 'thinking', text: this.#pending.slice(0, end) });
      this.#pending = this.#pending.slice(end + closing.length);
      this.#place = 'before';
      return true;
    }
    const kept = overlap(this.#pending.toLowerCase());
    pieces.push({ kind: 'thinking', text: this.#pending.slice(0, this.#pending.length - kept) });
    this.#pending = this.#pending.slice(this.#pending.length - kept);
    return false;
  }
}

/** The number of characters at the text's end that may begin the closing tag. */
function overlap(text: string): number {
  for (let length = closing.length - 1; length > 0; length -= 1) {
    if (text.endsWith(closing.slice(0, length))) return length;
  }
  return 0;
}
