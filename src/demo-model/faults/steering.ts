import { isRecord } from '../is-record.ts';
import type { Fault, ScriptedToolCall } from './fault.ts';
import { parseFaultWords } from './fault-parser.ts';

/** Reply that the instructions inside a message ask for. */
export interface Steering {
  /** `[demo:reply TEXT]`: exactly this text. */
  reply?: string;
  /** `[demo:words N]`: a text of N words, one delta each. */
  words?: number;
  /** `[demo:delay MS]`: pause between deltas. */
  delayMs?: number;
  /** `[demo:think]`: think first, where the request allows it. */
  think: boolean;
  /** `[demo:tool NAME {json}]`: the calls of each turn; `[demo:next]` begins the next turn. */
  toolTurns: ScriptedToolCall[][];
  /** `[demo:loop NAME {json}]`: this call in every turn, for ever. */
  loop?: ScriptedToolCall;
  /** `[demo:fault KIND field=value …]`; `turn` limits it to one turn of an agent (1 is the first). */
  fault?: { fault: Fault; turn?: number; source: string };
}

const OPENING = '[demo:';

/** Takes the `[demo:…]` instructions out of a text; unknown ones are left in it, as plain text. */
export function parseSteering(text: string): { steering: Steering; text: string } {
  const steering: Steering = { think: false, toolTurns: [] };
  let plain = '';
  let position = 0;
  for (;;) {
    const start = text.indexOf(OPENING, position);
    const end = start < 0 ? -1 : closingBracket(text, start);
    if (start < 0 || end < 0) break;
    const understood = applyInstruction(steering, text.slice(start + OPENING.length, end));
    plain += text.slice(position, understood ? start : end + 1);
    position = end + 1;
  }
  plain += text.slice(position);
  return { steering, text: plain.replace(/[ \t]{2,}/g, ' ').trim() };
}

/** Index of the bracket that closes the one at `start`, counting nested ones; -1 when there is none. */
function closingBracket(text: string, start: number): number {
  let depth = 0;
  for (let index = start; index < text.length; index += 1) {
    if (text[index] === '[') depth += 1;
    else if (text[index] === ']') {
      depth -= 1;
      if (depth === 0) return index;
    }
  }
  return -1;
}

function applyInstruction(steering: Steering, instruction: string): boolean {
  const [, name = '', rest = ''] = /^([a-z]+)\s?([\s\S]*)$/.exec(instruction) ?? [];
  switch (name) {
    case 'reply':
      steering.reply = rest;
      return true;
    case 'words':
      steering.words = Number(rest) || 0;
      return true;
    case 'delay':
      steering.delayMs = Number(rest) || 0;
      return true;
    case 'think':
      steering.think = true;
      return true;
    case 'next':
      steering.toolTurns.push([]);
      return true;
    case 'tool':
      if (steering.toolTurns.length === 0) steering.toolTurns.push([]);
      steering.toolTurns.at(-1)?.push(parseToolCall(rest));
      return true;
    case 'loop':
      steering.loop = parseToolCall(rest);
      return true;
    case 'gate':
      steering.fault = {
        fault: { kind: 'gate', afterDeltas: Number(rest) || 0 },
        source: instruction,
      };
      return true;
    case 'fault':
      steering.fault = faultOf(rest);
      return true;
    default:
      return false;
  }
}

function faultOf(words: string): NonNullable<Steering['fault']> {
  const turn = /\sturn=(\d+)/.exec(words);
  const fault = parseFaultWords(words.replace(/\sturn=\d+/, ''));
  return { fault, source: words, ...(turn ? { turn: Number(turn[1]) } : {}) };
}

function parseToolCall(words: string): ScriptedToolCall {
  const [, name = '', json = ''] = /^(\S+)\s*([\s\S]*)$/.exec(words.trim()) ?? [];
  const input: unknown = json === '' ? {} : JSON.parse(json);
  if (!isRecord(input)) throw new Error(`[demo:tool ${name} …] takes a JSON object`);
  return { name, input };
}
