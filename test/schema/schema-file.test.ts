import { readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import { expect, test } from 'vitest';
import { printBuiltInSchema } from '../../scripts/built-in-schema.ts';

const committed = readFileSync('schema.graphql', 'utf8');

test('schema.graphql is what the server serves (npm run schema:print writes it)', async () => {
  expect(committed).toBe(await printBuiltInSchema());
});

test('schema.graphql can be built from', () => {
  expect(Object.keys(buildSchema(committed).getTypeMap()).length).toBeGreaterThan(100);
});
