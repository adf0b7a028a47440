import type { ModelCitation, ModelSink } from '../../kernel/model.ts';

export interface PlacedCitation {
  /** The length of the text before it. */
  at: number;
  citation: ModelCitation;
}

type Part =
  | { type: 'text' | 'thinking'; text: string }
  | { type: 'citation'; citation: ModelCitation };

/**
 * An answer that is kept as it comes, and passed on to any number of sinks: each is given what came before it was added,
 * neighbouring pieces of text as one, and then what comes.
 */
export class SharedAnswer implements ModelSink {
  readonly #sinks = new Set<ModelSink>();
  readonly #parts: Part[] = [];
  #model: string | null = null;

  /** All text so far. */
  get said(): string {
    return this.#parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
  }

  get citations(): PlacedCitation[] {
    let at = 0;
    return this.#parts.flatMap((part) => {
      if (part.type === 'text') at += part.text.length;
      return part.type === 'citation' ? { at, citation: part.citation } : [];
    });
  }

  add(sink: ModelSink): void {
    if (this.#model !== null) sink.start(this.#model);
    for (const part of this.#parts) {
      if (part.type === 'citation') sink.citation(part.citation);
      else sink[part.type](part.text);
    }
    this.#sinks.add(sink);
  }

  remove(sink: ModelSink): void {
    this.#sinks.delete(sink);
  }

  start(model: string): void {
    this.#model = model;
    for (const sink of this.#sinks) sink.start(model);
  }

  text(text: string): void {
    this.#keep('text', text);
    for (const sink of this.#sinks) sink.text(text);
  }

  thinking(text: string): void {
    this.#keep('thinking', text);
    for (const sink of this.#sinks) sink.thinking(text);
  }

  citation(citation: ModelCitation): void {
    this.#parts.push({ type: 'citation', citation });
    for (const sink of this.#sinks) sink.citation(citation);
  }

  #keep(type: 'text' | 'thinking', text: string): void {
    const last = this.#parts.at(-1);
    if (last?.type === type) last.text += text;
    else this.#parts.push({ type, text });
  }
}
