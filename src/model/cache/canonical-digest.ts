import { createHash } from 'node:crypto';
import { z } from 'zod';

/** SHA-256, hexadecimal, of a value's JSON with sorted keys: equal values have equal digests. Schemas count by what they say. */
export function canonicalDigest(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

function canonicalJson(value: unknown): string {
  return (
    JSON.stringify(value, (_key, entry: unknown) => {
      if (entry instanceof z.ZodType)
        return sorted(z.toJSONSchema(entry, { unrepresentable: 'any' }));
      return sorted(entry);
    }) ?? 'undefined'
  );
}

function sorted(entry: unknown): unknown {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return entry;
  return Object.fromEntries(
    Object.entries(entry).sort(([first], [second]) => (first < second ? -1 : 1)),
  );
}
