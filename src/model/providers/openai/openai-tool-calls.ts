import { type Json, parseJson, recordOf, textOf } from '../json-fields.ts';
import { newToolCallId } from '../tool-call-ids.ts';
import { readToolInput } from '../tool-input.ts';

interface GrowingCall {
  index: number | null;
  id: string;
  name: string;
  inputText: string;
  /** Such as a thought's signature: it goes back as it came. */
  extra: unknown;
}

type Piece = Omit<GrowingCall, 'extra'>;

export interface FinishedCall {
  id: string;
  name: string;
  /** The text itself when it holds no object. */
  input: Json | string;
  extra: unknown;
}

const unknownTool = 'unknown_tool';

/**
 * Puts tool calls together from the pieces that servers send. They differ: the index may be the same for all, count from
 * 1 or be absent; id and name may come with each piece, once, or never; arguments may be text, an object, or an object
 * that was encoded twice.
 */
export class OpenAiToolCalls {
  readonly #calls: GrowingCall[] = [];

  get size(): number {
    return this.#calls.length;
  }

  /** Takes the pieces of one delta. */
  take(pieces: readonly Json[]): void {
    const inThisDelta = new Set<GrowingCall>();
    for (const piece of pieces) {
      const said = recordOf(piece['function']) ?? piece;
      const fields = {
        index: Number.isInteger(piece['index']) ? Number(piece['index']) : null,
        id: textOf(piece['id']),
        name: textOf(said['name']),
        inputText: inputTextOf(said['arguments'] ?? said['parameters']),
      };
      const call = this.#callOf(fields, inThisDelta);
      inThisDelta.add(call);
      grow(call, fields);
      call.extra ??= piece['extra_content'] ?? undefined;
    }
  }

  /** Name and arguments of all calls, for an estimate of what they are billed. */
  get text(): string {
    return this.#calls.map(({ name, inputText }) => name + inputText).join('');
  }

  /** The calls of an answer that has ended. With `called` false it ended for another reason, and what is cut is dropped. */
  finish(called: boolean, toolNames: readonly string[]): FinishedCall[] {
    const ids = new Set<string>();
    return this.#calls.flatMap((call) => {
      const input = readToolInput(call.inputText);
      if (!called && (typeof input === 'string' || call.inputText.trim() === '')) return [];
      const id = call.id === '' || ids.has(call.id) ? newToolCallId() : call.id;
      ids.add(id);
      return { id, name: knownName(call.name, toolNames), input, extra: call.extra };
    });
  }

  #callOf(fields: Piece, inThisDelta: Set<GrowingCall>): GrowingCall {
    const found = this.#find(fields);
    if (found && !beginsAnother(found, fields, inThisDelta)) return found;
    const call = { index: fields.index, id: '', name: '', inputText: '', extra: undefined };
    this.#calls.push(call);
    return call;
  }

  #find({ index, id }: Piece): GrowingCall | undefined {
    const calls = index === null ? this.#calls : this.#calls.filter((call) => call.index === index);
    return (id === '' ? undefined : calls.findLast((call) => call.id === id)) ?? calls.at(-1);
  }
}

/** Does the piece begin a call of its own, though index or id are those of another one? */
function beginsAnother(last: GrowingCall, piece: Piece, inThisDelta: Set<GrowingCall>): boolean {
  const { index, id, name, inputText } = piece;
  const beginsObject = inputText.trimStart().startsWith('{');
  if (id !== '' && last.id !== '' && id !== last.id) {
    // Some servers make a new id for each piece: those go on with a call that is not whole.
    if (name !== '' && (beginsObject || inputText === '')) return true;
    return isWhole(last);
  }
  if (name !== '' && last.inputText !== '' && !name.startsWith(last.name)) return true;
  if (name !== '' && index === null && inThisDelta.has(last)) return true;
  const isRepeated = id === last.id && inputText === last.inputText;
  return beginsObject && !isRepeated && isWhole(last);
}

/** Arguments are text, but for servers that send them as the object. */
function inputTextOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return recordOf(value) ? JSON.stringify(value) : '';
}

function grow(call: GrowingCall, { id, name, inputText }: Piece): void {
  if (inputText !== '' && inputText === call.inputText && isWhole(call)) return;
  call.id ||= id;
  // Some repeat the name with each piece, or send all of it so far.
  if (name.startsWith(call.name)) call.name = name;
  else if (call.inputText === '') call.name += name;
  call.inputText += inputText;
}

function isWhole({ inputText }: GrowingCall): boolean {
  const text = inputText.trim();
  return text.endsWith('}') && text !== '{}' && recordOf(parseJson(text)) !== null;
}

/** Servers put a namespace before the name, or none at all; a name that no provider would take back is replaced. */
function knownName(name: string, toolNames: readonly string[]): string {
  const trimmed = name.trim();
  if (toolNames.includes(trimmed)) return trimmed;
  const last = trimmed.split(/[^A-Za-z0-9_-]+/).findLast((part) => toolNames.includes(part));
  return last ?? (trimmed.replaceAll(/[^A-Za-z0-9_-]+/g, '_').slice(0, 64) || unknownTool);
}
