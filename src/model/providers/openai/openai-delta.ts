import { type Json, listOf, recordOf, textOf } from '../json-fields.ts';

/** A piece of an answer that one delta brings. */
export interface Piece {
  kind: 'text' | 'thinking' | 'refusal';
  text: string;
}

/** Fields in which servers send thinking as text. They go back under the same name. */
export const thinkingFields = ['reasoning_content', 'reasoning'] as const;

/** The text, thinking and refusal of a delta, in whichever form the server has them. */
export function piecesOf(delta: Json): Piece[] {
  const thinking = thinkingFields.map((field) => textOf(delta[field])).find((text) => text !== '');
  const pieces: Piece[] = [];
  if (thinking) pieces.push({ kind: 'thinking', text: thinking });
  const { content, refusal } = delta;
  if (typeof content === 'string') pieces.push({ kind: 'text', text: content });
  else
    for (const part of Array.isArray(content) ? content : [content]) pieces.push(...piecesIn(part));
  if (typeof refusal === 'string') pieces.push({ kind: 'refusal', text: refusal });
  return pieces;
}

/** A part of a list of parts: text, or thinking, which may be a list of parts itself. */
function piecesIn(part: unknown): Piece[] {
  if (typeof part === 'string') return [{ kind: 'text', text: part }];
  const fields = recordOf(part);
  if (!fields) return [];
  const type = textOf(fields['type']);
  if (type === 'refusal') return [{ kind: 'refusal', text: textOf(fields['refusal']) }];
  if (type === 'thinking' || type === 'reasoning') {
    return [{ kind: 'thinking', text: flat(fields[type] ?? fields['text'] ?? fields['summary']) }];
  }
  return [{ kind: 'text', text: textOf(fields['text']) }];
}

function flat(value: unknown): string {
  if (typeof value === 'string') return value;
  return listOf(value)
    .map((part) => (typeof part === 'string' ? part : textOf(recordOf(part)?.['text'])))
    .join('');
}
