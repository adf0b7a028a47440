import { parse, print, stripIgnoredCharacters } from 'graphql';
import { describe, expect, test } from 'vitest';
import { printDocument } from '../../client/print-document.ts';
import { resumableDocument } from '../../client/resumable-document.ts';

const needed =
  '__typename cursor runId ... on TextDelta { text } ... on RunFailed { error { code message retryable } }';
const same = (left: string, right: string): void =>
  expect(stripIgnoredCharacters(left)).toBe(stripIgnoredCharacters(right));

describe('a resumable document', () => {
  test('gains what resuming needs, and reads on with the same selection', () => {
    const { begin, resume, responseKey, resumeVariables } = resumableDocument(`
      # subscription { not: this }
      subscription Talk($input: CompleteInput = { system: "a } $text {" }, $long: Boolean!) {
        completion(input: $input) { at ... on RunStarted @include(if: $long) { model } ...Rest }
      }
      fragment Rest on RunEvent { ... on RunFinished { run { id text } } }
    `);
    expect(responseKey).toBe('completion');
    expect(resumeVariables).toEqual(['long']);
    same(
      begin,
      `subscription Talk($input: CompleteInput = { system: "a } $text {" }, $long: Boolean!) {
        completion(input: $input) { ${needed} at ... on RunStarted @include(if: $long) { model } ...Rest }
      }
      fragment Rest on RunEvent { ... on RunFinished { run { id text } } }`,
    );
    same(
      resume,
      `subscription Resume($tesseraRunId: ID!, $tesseraAfter: String $long: Boolean!) {
        completion: runEvents(runId: $tesseraRunId, after: $tesseraAfter) {
          ${needed} at ... on RunStarted @include(if: $long) { model } ...Rest }
      }
      fragment Rest on RunEvent { ... on RunFinished { run { id text } } }`,
    );
    expect(() => parse(begin) && parse(resume)).not.toThrow();
  });

  test.each([
    ['an alias', 'subscription { mine: agent(input: { agent: "a" }) { at } }', 'mine'],
    [
      'fragments first',
      'fragment F on RunEvent { at } subscription S { agent(input: { a: [1] }) { ...F } }',
      'agent',
    ],
    ['block strings', 'subscription { agent(input: { a: """ } { """ }) { at } }', 'agent'],
    ['directives', 'subscription S @live(if: true) { agent @x(a: 1) { at } }', 'agent'],
  ])('takes %s', (_name, source, key) => {
    const { begin, resume, responseKey } = resumableDocument(source);
    expect(responseKey).toBe(key);
    expect(print(parse(resume))).toContain(`${key}: runEvents(`);
    expect(print(parse(begin))).toContain('cursor');
  });

  test.each([
    ['a query', 'query { viewer { userId } }', /takes a subscription/],
    ['two fields', 'subscription { a { at } b { at } }', /exactly one field/],
    ['a spread', 'subscription { ...F } fragment F on Subscription { a { at } }', /exactly one/],
    ['no selection', 'subscription { a }', /exactly one field/],
    ['an open bracket', 'subscription { a { at }', /not closed/],
    ['nothing', '', /takes a subscription/],
  ])('refuses %s', (_name, source, message) => {
    expect(() => resumableDocument(source)).toThrow(message);
  });
});

test('a document without its source is printed as graphql prints it', () => {
  const source = `query Q($a: [Int!]! = [1, -2.5e3], $b: In = {c: "x\\n\\"", d: null, e: ENUM, f: true} @d) @e(a: $a) {
    one: f(a: $a, b: {c: $b}) @skip(if: false) { ...F ... on T @include(if: true) { x } ... { y } } }
    fragment F on T @f { z }
    mutation { m } subscription { s { t } }`;
  const { loc: _source, ...tree } = parse(source, { noLocation: false });
  const document = JSON.parse(JSON.stringify(tree));
  expect(print(parse(printDocument(document)))).toBe(print(parse(source)));
  expect(printDocument(parse(source))).toBe(source);
  expect(printDocument('{ viewer { userId } }')).toBe('{ viewer { userId } }');
});
