import type { RunEvent, WholeValue } from '../../kernel/events.ts';
import { fromPointer } from '../../kernel/json/json-pointer.ts';

/** A structured output as far as it has come. */
export interface OutputState {
  output: unknown;
  /** JSON Pointers of all parts that are whole. */
  complete: readonly string[];
}

export const emptyOutput: OutputState = { output: {}, complete: [] };

/** The state after more values are whole. The former state stays as it is: an event may not be sent yet. */
export function grow({ output, complete }: OutputState, whole: readonly WholeValue[]): OutputState {
  let grown = output;
  for (const { pointer, value } of whole) {
    if (value !== undefined) grown = placed(grown, fromPointer(pointer), value);
  }
  return { output: grown, complete: [...complete, ...whole.map(({ pointer }) => pointer)] };
}

/** A copy of `target` along the path, with the value at its end. */
function placed(target: unknown, path: readonly string[], value: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return value;
  const isIndex = /^\d+$/.test(first);
  if (isIndex && (Array.isArray(target) || isEmpty(target))) {
    const items = Array.isArray(target) ? [...target] : [];
    items[Number(first)] = placed(items[Number(first)], rest, value);
    return items;
  }
  const fields = (target ?? {}) as Record<string, unknown>;
  return { ...fields, [first]: placed(fields[first], rest, value) };
}

const isEmpty = (target: unknown): boolean =>
  target === undefined || target === null || Object.keys(target).length === 0;

/** The state that the events of a run up to a position make. */
export function outputAt(events: readonly RunEvent[], position: number): OutputState {
  let state = emptyOutput;
  for (const event of events) {
    if (event.position > position) break;
    if (event.type === 'OutputProgressed') state = grow(state, event.whole);
  }
  return state;
}
