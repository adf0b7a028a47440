/** A subscription that begins a run, and the one that reads the same run on from a cursor. */
export interface ResumableDocument {
  /** The operation, with the fields that resuming needs. */
  begin: string;
  /** `runEvents($tesseraRunId, $tesseraAfter)` with the same selection, under the same response key. */
  resume: string;
  /** Under this name an event stands in `data`. */
  responseKey: string;
  /** Names of the variables that `resume` uses besides its own. */
  resumeVariables: string[];
}

interface Token {
  text: string;
  start: number;
  end: number;
}

interface Definition {
  tokens: Token[];
  text: string;
}

/** What the client reads of every event; an operation that selects them too loses nothing. */
const neededFields =
  ' __typename cursor runId ... on TextDelta { text } ... on RunFailed { error { code message retryable } } ';

const tokenPattern =
  /"""(?:\\"""|[\s\S])*?"""|"(?:\\.|[^"\\\n])*"|#[^\n]*|\.\.\.|\$?[_A-Za-z]\w*|-?\d[\w.+-]*|[!&():=@[\]{|}]/g;

const problem = (message: string): Error => new Error(`tessera/client: ${message}`);

/** Throws when the document is not one subscription with one field of its own. */
export function resumableDocument(source: string): ResumableDocument {
  const definitions = definitionsOf(source);
  const operation = definitions.find(({ tokens }) => tokens[0]?.text === 'subscription');
  if (!operation) throw problem('run() takes a subscription: use execute() for anything else.');
  const others = definitions.filter((definition) => definition !== operation);
  const { tokens } = operation;
  const body = indexAtDepth(tokens, '{', 0);
  const isSpread = tokens[body + 1]?.text === '...';
  const field = body + (tokens[body + 2]?.text === ':' ? 3 : 1);
  const open = indexAtDepth(tokens, '{', 0, field + 1);
  if (isSpread || open < 0 || tokens[closing(tokens, open) + 1]?.text !== '}') {
    throw problem('the subscription must select exactly one field, and events of it.');
  }
  const at = tokens[open]!.end;
  const selection = `${neededFields}${source.slice(at, tokens[closing(tokens, open)]!.start)}`;
  const fragments = others.map(({ text }) => text).join('\n');
  const used = new Set(
    [...`${selection}\n${fragments}`.matchAll(tokenPattern)].map(([text]) => text),
  );
  const kept = variablesOf(tokens, source).filter(({ name }) => used.has(name));
  const responseKey = tokens[body + 1]!.text;
  const variables = kept.map(({ text }) => text).join(' ');
  return {
    begin: `${source.slice(0, at)}${neededFields}${source.slice(at)}`,
    resume: `subscription Resume($tesseraRunId: ID!, $tesseraAfter: String ${variables}) { ${responseKey}: runEvents(runId: $tesseraRunId, after: $tesseraAfter) {${selection}} }\n${fragments}`,
    responseKey,
    resumeVariables: kept.map(({ name }) => name.slice(1)),
  };
}

function definitionsOf(source: string): Definition[] {
  const tokens = [...source.matchAll(tokenPattern)]
    .map(({ 0: text, index }) => ({ text, start: index, end: index + text.length }))
    .filter(({ text }) => !text.startsWith('#'));
  const definitions: Definition[] = [];
  for (let first = 0; first < tokens.length; ) {
    const open = indexAtDepth(tokens, '{', 0, first);
    if (open < 0) throw problem('the document ends early.');
    const last = closing(tokens, open);
    const text = source.slice(tokens[first]!.start, tokens[last]!.end);
    definitions.push({ tokens: tokens.slice(first, last + 1), text });
    first = last + 1;
  }
  return definitions;
}

/** Where `text` stands for the first time outside of brackets opened since `from`; -1 when it does not. */
function indexAtDepth(tokens: readonly Token[], text: string, depth: number, from = 0): number {
  for (let index = from; index < tokens.length; index += 1) {
    const token = tokens[index]!.text;
    if (token === text && depth === 0) return index;
    if ('([{'.includes(token)) depth += 1;
    else if (')]}'.includes(token)) depth -= 1;
    if (depth < 0) return -1;
  }
  return -1;
}

/** The index of the bracket that closes the one at `open`. */
function closing(tokens: readonly Token[], open: number): number {
  for (let index = open, depth = 0; index < tokens.length; index += 1) {
    const { text } = tokens[index]!;
    if ('([{'.includes(text)) depth += 1;
    else if (')]}'.includes(text)) depth -= 1;
    if (depth === 0) return index;
  }
  throw problem('a bracket of the document is not closed.');
}

/** The operation's variable definitions, each whole. */
function variablesOf(tokens: readonly Token[], source: string): { name: string; text: string }[] {
  const open = tokens[1]?.text === '(' ? 1 : 2;
  if (tokens[open]?.text !== '(') return [];
  const end = closing(tokens, open);
  const starts = tokens
    .map(({ text }, index) => ({ text, index }))
    .filter(
      ({ text, index }) =>
        index > open && index < end && text.startsWith('$') && tokens[index + 1]?.text === ':',
    );
  return starts.map(({ text, index }, position) => {
    const next = starts[position + 1]?.index ?? end;
    return { name: text, text: source.slice(tokens[index]!.start, tokens[next - 1]!.end) };
  });
}
