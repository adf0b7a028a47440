import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { valueFromSchema } from '../../../src/demo-model/replies/schema-value.ts';
import type { OutputSelection } from '../../../src/kernel/output-selection.ts';
import { covers, mergeSelections, selectedFields } from '../../../src/kernel/output-selection.ts';
import { outputJsonSchema } from '../../../src/model/providers/output-schema.ts';
import { selectOutput } from '../../../src/runs/output/select-output.ts';

/** A schema beside a selection of it. */
interface Case {
  schema: z.ZodType;
  selection: OutputSelection;
}

const leaf: fc.Arbitrary<Case> = fc
  .constantFrom(
    z.string(),
    z.number(),
    z.boolean(),
    z.enum(['one', 'two']),
    z.string().nullable(),
    z.coerce.date(),
  )
  .map((schema) => ({ schema, selection: true as const }));

const objectOf = (parts: fc.Arbitrary<Case>): fc.Arbitrary<Case> =>
  fc
    .array(fc.record({ part: parts, isSelected: fc.boolean() }), { minLength: 1, maxLength: 6 })
    .map((fields) => {
      const named = fields.map((field, index) => [`field${index}`, field] as const);
      const chosen = named.filter(([, { isSelected }]) => isSelected);
      return {
        schema: z.object(Object.fromEntries(named.map(([name, { part }]) => [name, part.schema]))),
        selection: Object.fromEntries(chosen.map(([name, { part }]) => [name, part.selection])),
      };
    });

const unionOf = (parts: fc.Arbitrary<Case>): fc.Arbitrary<Case> =>
  fc.tuple(objectOf(parts), objectOf(parts)).map(([one, other]) => {
    const member = ({ schema }: Case, kind: string) =>
      (schema as z.ZodObject).extend({ kind: z.literal(kind) });
    return {
      schema: z.discriminatedUnion('kind', [member(one, 'cat'), member(other, 'dog')]),
      selection: { '=cat': one.selection, '=dog': other.selection },
    };
  });

const { node } = fc.letrec<{ node: Case }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    leaf,
    objectOf(tie('node')),
    objectOf(tie('node')).map(({ schema, selection }) => ({ schema: z.array(schema), selection })),
    objectOf(tie('node')).map(({ schema, selection }) => ({
      schema: schema.nullable(),
      selection,
    })),
    unionOf(tie('node')),
  ),
}));

/** Every object of a value has just the selected fields, or the first one where none is. */
function expectSelected(value: unknown, schema: z.ZodType, selection: OutputSelection): void {
  if (selection === true || value === null) return;
  if (Array.isArray(value)) {
    const { element } = (schema as z.ZodArray)._zod.def as unknown as { element: z.ZodType };
    for (const item of value) expectSelected(item, element, selection);
    return;
  }
  const kind = (value as { kind?: string }).kind;
  const part = kind === undefined ? selection : (selection[`=${kind}`] ?? selection);
  const names = Object.keys(value as object).filter((name) => name !== 'kind');
  const asked = part === true ? names : Object.keys(part);
  if (asked.length > 0) expect(names.toSorted()).toEqual(asked.toSorted());
  else expect(names.length).toBeLessThanOrEqual(1);
}

test('a model that writes just what the selected schema asks for is always right', () => {
  fc.assert(
    fc.property(objectOf(node), ({ schema, selection }) => {
      const selected = selectOutput(schema, selection);
      const value = valueFromSchema(outputJsonSchema(selected), {
        text: 'One. Two.',
        examples: [],
      });
      expect(selected.safeParse(value).success).toBe(true);
      expectSelected(value, schema, selection);
      expect(selectOutput(schema, selection)).toBe(selected);
    }),
    { numRuns: 1_000 },
  );
});

test('a merged selection covers both, and names the fields of both', () => {
  fc.assert(
    fc.property(objectOf(node), objectOf(node), ({ selection: one }, { selection: other }) => {
      const merged = mergeSelections(one, other);
      expect(covers(merged, one) && covers(merged, other)).toBe(true);
      expect(covers(true, one)).toBe(true);
      const names = new Set(selectedFields(merged));
      for (const name of selectedFields(one)) {
        const isWithin = [...names].some((known) => name === known || name.startsWith(`${known}.`));
        expect(isWithin || name.includes('=')).toBe(true);
      }
    }),
  );
});
