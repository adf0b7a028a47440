import { invalidRequest } from '../api-error.ts';
import { isRecord } from '../is-record.ts';

const MOST_BREAKPOINTS = 4;

/** At most four breakpoints, known lifetimes, and the one-hour ones before the five-minute ones. */
export function checkCacheControl(body: Record<string, unknown>): void {
  const found = [body['tools'], body['system'], body['messages']].flatMap(controlsIn);
  if (body['cache_control'] !== undefined && body['cache_control'] !== null)
    found.push(body['cache_control']);
  if (found.length > MOST_BREAKPOINTS) {
    throw invalidRequest(
      `A maximum of ${MOST_BREAKPOINTS} blocks with cache_control may be provided. Found ${found.length}.`,
    );
  }
  let shortSeen = false;
  for (const control of found) {
    const ttl =
      isRecord(control) && control['type'] === 'ephemeral' ? (control['ttl'] ?? '5m') : undefined;
    if (ttl !== '5m' && ttl !== '1h') {
      throw invalidRequest("cache_control: Input should be {type: 'ephemeral', ttl?: '5m' | '1h'}");
    }
    if (ttl === '1h' && shortSeen) {
      throw invalidRequest(
        "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.",
      );
    }
    shortSeen ||= ttl === '5m';
  }
}

function controlsIn(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap(controlsIn);
  if (!isRecord(value)) return [];
  const own = value['cache_control'];
  return [...controlsIn(value['content']), ...(own === undefined || own === null ? [] : [own])];
}
