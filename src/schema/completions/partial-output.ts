import type { Builder } from '../builder.ts';
import { partialName } from '../zod/partial-name.ts';
import type { PartialTypes } from '../zod/partial-types.ts';
import type { ObjectShape } from '../zod/type-shape.ts';

/** The type of each partial output, which stands in the event's body under the prompt's name. */
const typeNames = new WeakMap<object, string>();

/**
 * `partial` of `OutputProgressed`: the output so far in the types of the prompt on whose own field the run was begun. Prompts
 * whose output is no object have none.
 */
export function declarePartialOutput(
  builder: Builder,
  partials: PartialTypes,
  shapes: ReadonlyMap<string, ObjectShape>,
): void {
  if (shapes.size === 0) return;
  for (const shape of shapes.values()) partials.declare(shape);
  const PartialOutput = builder.unionType('PartialOutput', {
    description: "The output of a prompt's own field so far.",
    types: [...shapes.values()].map((shape) => partials.objectOf(shape) as never),
    resolveType: (value) => typeNames.get(value as object),
  });
  builder.objectField('OutputProgressed', 'partial', (t) =>
    t.field({
      type: PartialOutput,
      nullable: true,
      description:
        "The output so far, typed, for runs that were begun on a prompt's own field. Fields are null until they are whole.",
      resolve: async (view) => {
        const shape = shapes.get(view.body.prompt ?? '');
        if (!shape) return null;
        const value = { ...((await view.output)?.output as object) };
        typeNames.set(value, partialName(shape.name));
        return value as never;
      },
    }),
  );
}
