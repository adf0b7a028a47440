import { createHash } from 'node:crypto';
import { type CountableRequest, type PromptSegment, promptSegments } from './token-estimate.ts';

/** How the tokens of one prompt are billed; the four parts sum to the whole prompt. */
export interface InputUsage {
  /** Whether the request used `cache_control` at all; if not, the API's cache counters are null. */
  cached: boolean;
  inputTokens: number;
  cacheReadTokens: number;
  cacheWrite5mTokens: number;
  cacheWrite1hTokens: number;
}

/** A prefix shorter than this many tokens is not cached, as on the real API. */
export const MINIMUM_CACHED_TOKENS = 1_024;

const LIFETIME_MS = { '5m': 5 * 60_000, '1h': 60 * 60_000 } as const;
/** From a breakpoint the API looks back this many blocks for a prefix written earlier. */
const LOOK_BACK_BLOCKS = 20;
const MAX_ENTRIES = 20_000;

interface Breakpoint {
  index: number;
  ttl: '5m' | '1h';
}
interface CacheEntry {
  expiresAt: number;
  ttl: '5m' | '1h';
}
interface Prefix {
  key: string;
  tokens: number;
}

/** Prompt caching by exact prefix, per model: the first request writes, a later one with the same prefix reads. */
export class PromptCache {
  readonly #entries = new Map<string, CacheEntry>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  clear(): void {
    this.#entries.clear();
  }

  /** Splits the prompt's tokens into read, written and plain ones, and remembers what was written. */
  apply(request: CountableRequest): InputUsage {
    const segments = promptSegments(request);
    const total = segments.reduce((sum, segment) => sum + segment.tokens, 0);
    const usage = {
      cached: false,
      inputTokens: total,
      cacheReadTokens: 0,
      cacheWrite5mTokens: 0,
      cacheWrite1hTokens: 0,
    };
    const breakpoints = findBreakpoints(request, segments);
    if (breakpoints.length === 0) return usage;

    const prefixes = prefixesOf(request.model, segments);
    const read = this.#maxCachedPrefixLength(breakpoints, prefixes);
    usage.cached = true;
    usage.cacheReadTokens = read?.tokens ?? 0;
    let covered = usage.cacheReadTokens;
    for (const { index, ttl } of breakpoints) {
      const prefix = prefixes[index];
      if (prefix === undefined || prefix.tokens <= covered || prefix.tokens < MINIMUM_CACHED_TOKENS)
        continue;
      usage[ttl === '1h' ? 'cacheWrite1hTokens' : 'cacheWrite5mTokens'] += prefix.tokens - covered;
      covered = prefix.tokens;
      this.#remember(prefix.key, ttl);
    }
    usage.inputTokens = total - covered;
    return usage;
  }

  #maxCachedPrefixLength(
    breakpoints: readonly Breakpoint[],
    prefixes: readonly Prefix[],
  ): Prefix | undefined {
    for (const { index } of breakpoints.toReversed()) {
      for (let back = index; back >= Math.max(0, index - LOOK_BACK_BLOCKS); back -= 1) {
        const prefix = prefixes[back];
        const entry = prefix && this.#entries.get(prefix.key);
        if (prefix === undefined || entry === undefined || entry.expiresAt <= this.#now()) continue;
        this.#remember(prefix.key, entry.ttl);
        return prefix;
      }
    }
    return undefined;
  }

  #remember(key: string, ttl: '5m' | '1h'): void {
    this.#entries.delete(key);
    this.#entries.set(key, { ttl, expiresAt: this.#now() + LIFETIME_MS[ttl] });
    if (this.#entries.size <= MAX_ENTRIES) return;
    const oldest = this.#entries.keys().next();
    if (!oldest.done) this.#entries.delete(oldest.value);
  }
}

function findBreakpoints(
  request: CountableRequest,
  segments: readonly PromptSegment[],
): Breakpoint[] {
  const breakpoints = segments.flatMap(({ cacheControl }, index) =>
    cacheControl ? [{ index, ttl: cacheControl.ttl ?? '5m' }] : [],
  );
  const last = segments.length - 1;
  const automatic = request.cache_control;
  if (automatic && breakpoints.at(-1)?.index !== last)
    breakpoints.push({ index: last, ttl: automatic.ttl ?? '5m' });
  return breakpoints;
}

function prefixesOf(model: string, segments: readonly PromptSegment[]): Prefix[] {
  let chain = model;
  let tokens = 0;
  return segments.map((segment) => {
    chain = createHash('sha256').update(chain).update(segment.identity()).digest('base64');
    tokens += segment.tokens;
    return { key: chain, tokens };
  });
}
