import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allows, narrowed, type Scopes } from '../../src/kernel/access/scopes.ts';

test('a list allows its names, and what a * at the end stands for', () => {
  const scopes = { models: ['claude-haiku-5-5', 'openai/*'], agents: [] };
  const models = ['claude-haiku-5-5', 'openai/gpt-x', 'openai/'];
  for (const name of models) expect(allows(scopes, 'models', name)).toBe(true);
  for (const name of ['claude-haiku-5-50', 'openai', 'xopenai/gpt', 'OPENAI/gpt', ''])
    expect(allows(scopes, 'models', name)).toBe(false);
  expect(allows(scopes, 'agents', 'clerk')).toBe(false);
  expect(allows(scopes, 'tools', 'anything')).toBe(true);
  expect(allows(null, 'tools', 'anything')).toBe(true);
});

const name = fc.stringMatching(/^[ab]{0,3}$/);
const pattern = fc.oneof(
  name,
  name.map((text) => `${text}*`),
);
const scopes: fc.Arbitrary<Scopes | null> = fc.option(
  fc.record(
    { models: fc.array(pattern, { maxLength: 4 }), concurrentRuns: fc.nat(9) },
    { requiredKeys: [] },
  ),
);

test('narrowed scopes allow exactly what both allow', () => {
  fc.assert(
    fc.property(scopes, scopes, name, (first, second, model) => {
      const both = narrowed(first, second);
      expect(allows(both, 'models', model)).toBe(
        allows(first, 'models', model) && allows(second, 'models', model),
      );
      const least = Math.min(first?.concurrentRuns ?? 99, second?.concurrentRuns ?? 99);
      expect(both?.concurrentRuns ?? 99).toBe(least);
    }),
  );
});
