import type { RunEvent, RunEventBody } from '../../kernel/events.ts';

/** How many units of the log an event covers: the UTF-16 code units of a delta, 1 for anything else. */
export function lengthOf(body: RunEventBody): number {
  return isDelta(body) ? body.text.length : 1;
}

type Delta = Extract<RunEventBody, { type: 'TextDelta' | 'ThinkingDelta' }>;

const isDelta = (body: RunEventBody): body is Delta =>
  body.type === 'TextDelta' || body.type === 'ThinkingDelta';

/** Joins neighbouring deltas of one kind, unless the log has a gap between them. Positions stay, so every cursor stays valid. */
export function mergeEvents(events: readonly RunEvent[]): RunEvent[] {
  const merged: RunEvent[] = [];
  let parts: string[] = [];
  const closeDelta = () => {
    const last = merged.at(-1);
    if (last && isDelta(last) && parts.length > 1) last.text = parts.join('');
  };
  for (const event of events) {
    const last = merged.at(-1);
    const adjoins = last?.position === event.position - event.length;
    if (last && isDelta(event) && event.type === last.type && adjoins) {
      parts.push(event.text);
      last.position = event.position;
      last.length += event.length;
      continue;
    }
    closeDelta();
    merged.push({ ...event });
    parts = isDelta(event) ? [event.text] : [];
  }
  closeDelta();
  return merged;
}

/** The part of an event that lies behind a position; null when nothing of it does. */
export function behind(event: RunEvent, position: number): RunEvent | null {
  if (event.position <= position) return null;
  const start = event.position - event.length;
  if (start >= position || !isDelta(event)) return event;
  return { ...event, text: event.text.slice(position - start), length: event.position - position };
}

/** The first `most` units of an event, at most, without cutting a code point; the whole of what is no delta. */
export function firstPart(event: RunEvent, most: number): RunEvent {
  if (!isDelta(event) || event.length <= most) return event;
  const last = event.text.charCodeAt(most - 1);
  const length = last >= 0xd800 && last <= 0xdbff ? most - 1 : most;
  const position = event.position - event.length + length;
  return { ...event, text: event.text.slice(0, length), length, position };
}
