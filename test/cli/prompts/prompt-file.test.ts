import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatPromptFile,
  isSameWording,
  parsePromptFile,
} from '../../../src/cli/prompts/prompt-file.ts';

/** What could be taken for something else in a file of this form. */
const traps = [
  '---',
  '---\n',
  '\n',
  '\r\n',
  '- x',
  'a: b',
  '# c',
  '  ',
  '"',
  "'",
  '|',
  '>',
  '\t',
  '{{ x }}',
  'null',
];
const text = fc
  .array(fc.oneof(fc.constantFrom(...traps), fc.string({ unit: 'grapheme' })), { maxLength: 6 })
  .map((parts) => parts.join(''));
const optional = fc.option(text);
const wording = fc.record({
  template: text,
  system: optional,
  model: optional,
  notes: optional,
  maxTokens: fc.option(fc.integer({ min: 1, max: 1_000_000 })),
});

test('a file says every wording again, character by character', () => {
  fc.assert(
    fc.property(wording, fc.integer({ min: 1, max: 1_000 }), (before, version) => {
      const file = parsePromptFile('x.md', formatPromptFile('write_letter', version, before));
      expect(file).toMatchObject({ prompt: 'write_letter', version });
      expect(isSameWording(file.wording, before)).toBe(true);
    }),
    { numRuns: 500 },
  );
});
