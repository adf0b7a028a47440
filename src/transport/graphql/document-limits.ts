import { maxAliasesPlugin } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthPlugin } from '@escape.tech/graphql-armor-max-depth';
import { type GraphQLError, Lexer, Source, TokenKind } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { refusal } from '../http/request-refusal.ts';

/**
 * Limits of a document. GraphiQL's introspection, the largest honest one known, has 250 tokens and 2,000 characters.
 * Values belong into variables, which only the size of the request bounds.
 */
export const documentLimits = {
  characters: 100_000,
  tokens: 1_500,
  brackets: 64,
  depth: 18,
  aliases: 50,
};

const opening: readonly string[] = [TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L];
const closing: readonly string[] = [TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R];

const tooExpensive = (what: string, limit: number): GraphQLError =>
  refusal(
    'OPERATION_TOO_EXPENSIVE',
    `The document has more than ${limit} ${what}. Ask for less at once.`,
  );

/** The lexer passes over comments. The parsed document keeps them all the same: 1,300,000 in 4 MB held 250 MB. */
function readTokens({ lastToken, token }: Lexer): number {
  let read = 0;
  for (let at = lastToken; at !== token && at.next; at = at.next) read += 1;
  return read;
}

/**
 * Counts a document's tokens, comments included, and the depth of its brackets before it is parsed. The parser recurses:
 * a limit on tokens alone lets a thousand nested lists through, which overflowed its stack.
 */
function assertDocumentSize(text: string): void {
  if (text.length > documentLimits.characters) {
    throw tooExpensive('characters', documentLimits.characters);
  }
  const lexer = new Lexer(new Source(text));
  let tokens = 0;
  let depth = 0;
  for (let atEnd = false; !atEnd; ) {
    const { kind } = lexer.advance();
    atEnd = kind === TokenKind.EOF;
    tokens += readTokens(lexer) - (atEnd ? 1 : 0);
    if (tokens > documentLimits.tokens) throw tooExpensive('tokens', documentLimits.tokens);
    if (opening.includes(kind)) depth += 1;
    else if (closing.includes(kind)) depth -= 1;
    if (depth > documentLimits.brackets) {
      throw tooExpensive('levels of brackets', documentLimits.brackets);
    }
  }
}

/** Runs for documents that are not in the cache; what the lexer rejects, the parser rejects with the same words. */
const modestDocuments: Plugin = {
  onParse({ params: { source }, parseFn, setParseFn }) {
    setParseFn((text, options) => {
      assertDocumentSize(String(source instanceof Source ? source.body : source));
      return parseFn(text, options);
    });
  },
};

function renameRejection(_: unknown, error: GraphQLError): void {
  Object.assign(error, {
    message: `${error.message.replace('Syntax Error: ', '')} Ask for less at once.`,
    extensions: { code: 'OPERATION_TOO_EXPENSIVE', http: { status: 400 } },
  });
}

const onReject = [renameRejection];

/** Limits that hold before a document is validated or executed. */
export const documentLimitPlugins: Plugin[] = [
  modestDocuments,
  maxDepthPlugin({ n: documentLimits.depth, flattenFragments: true, onReject }),
  // The package lets `__typename` through uncounted; a thousand of them cost as much as of any field.
  maxAliasesPlugin({ n: documentLimits.aliases, allowList: [], onReject }),
];
