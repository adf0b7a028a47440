import { covers, type OutputSelection } from '../../kernel/output-selection.ts';
import type { CachedAnswer, ResponseCache } from '../../model/models.ts';

/** A call that asks for a part of an output, and the key under which the cached parts of the same call are listed. */
interface SelectedCall {
  selection: OutputSelection;
  key: string;
}

interface KeptSelection {
  selection: OutputSelection;
  key: string;
}

/** Selections of one call that the cache keeps apart. */
const maxSelections = 32;

/** A cached answer that holds more than is asked for, cut to what is. Null when there is none. */
export async function findWiderAnswer(
  asked: SelectedCall | null,
  cache: ResponseCache,
): Promise<CachedAnswer | null> {
  if (!asked) return null;
  for (const kept of await selectionsOf(asked.key, cache)) {
    if (!covers(kept.selection, asked.selection)) continue;
    const answer = await cache.get(kept.key);
    if (answer) return { ...answer, text: cutText(answer.text, asked.selection) };
  }
  return null;
}

/** Notes that an answer of this selection is cached under `key`. */
export async function keepSelection(
  asked: SelectedCall | null,
  key: string,
  cache: ResponseCache,
): Promise<void> {
  if (!asked) return;
  const { selection } = asked;
  const others = (await selectionsOf(asked.key, cache)).filter((kept) => kept.key !== key);
  const kept = [{ selection, key }, ...others].slice(0, maxSelections);
  // Two that write at once forget one of the two, which costs a call and no truth.
  await cache.set(asked.key, {
    model: '',
    provider: '',
    text: JSON.stringify(kept),
    stopReason: '',
    citations: [],
  });
}

async function selectionsOf(key: string, cache: ResponseCache): Promise<KeptSelection[]> {
  const kept = await cache.get(key);
  return kept ? (JSON.parse(kept.text) as KeptSelection[]) : [];
}

/** The JSON of an answer without what is not selected. */
const cutText = (text: string, selection: OutputSelection): string =>
  JSON.stringify(cut(JSON.parse(text), selection));

function cut(value: unknown, selection: OutputSelection): unknown {
  if (selection === true || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => cut(item, selection));
  const members = Object.keys(selection).filter((name) => name.startsWith('='));
  if (members.length > 0) return cutMember(value, members, selection);
  const parts = Object.entries(value).filter(([name]) => Object.hasOwn(selection, name));
  return Object.fromEntries(parts.map(([name, part]) => [name, cut(part, selection[name]!)]));
}

/** The property that names the member stays, whichever it is. */
function cutMember(
  value: object,
  members: readonly string[],
  selection: Exclude<OutputSelection, true>,
): unknown {
  const named = Object.entries(value).find(([, part]) => members.includes(`=${part}`));
  if (!named) return value;
  const part = selection[`=${named[1]}`]!;
  if (part === true) return value;
  return cut(value, { ...part, [named[0]]: true });
}
