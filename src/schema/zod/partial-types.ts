import { ListRef, type OutputRef, type OutputType } from '@pothos/core';
import type { Builder, Types } from '../builder.ts';
import { namedShapes } from './named-shapes.ts';
import { partialName } from './partial-name.ts';
import type { ShapeTypes } from './shape-to-types.ts';
import type { FieldShape, ObjectShape, TypeShape, UnionShape } from './type-shape.ts';

type Properties = Record<string, unknown>;

/**
 * The types of outputs that are not whole yet: those of the whole ones, but every field is null until its value is whole,
 * and a list grows. A member of a union shows as soon as the property that names it is whole.
 */
export class PartialTypes {
  readonly #builder: Builder;
  readonly #whole: ShapeTypes;
  readonly #types = new Map<TypeShape, OutputRef<unknown>>();

  constructor(builder: Builder, whole: ShapeTypes) {
    this.#builder = builder;
    this.#whole = whole;
  }

  /** Makes the types of a shape, all before Pothos asks for any: one may then contain itself. */
  declare(shape: TypeShape): void {
    for (const named of namedShapes(shape)) this.typeOf(named);
  }

  typeOf(shape: TypeShape): OutputType<Types> {
    switch (shape.kind) {
      case 'list':
        return new ListRef<Types, unknown>(this.typeOf(shape.item.shape), true);
      case 'object':
        return this.objectOf(shape);
      case 'union':
        return this.#types.get(shape) ?? this.#union(shape);
      default:
        return this.#whole.outputType(shape);
    }
  }

  objectOf(shape: ObjectShape): OutputRef<unknown> {
    const known = this.#types.get(shape);
    if (known) return known;
    const ref = this.#builder.objectRef<Properties>(partialName(shape.name));
    this.#types.set(shape, ref);
    return ref.implement({
      description: `${shape.name} as far as it is whole.`,
      fields: (t) =>
        Object.fromEntries(
          shape.fields.map((field) => [
            field.name,
            t.field({
              type: this.typeOf(field.shape),
              nullable: true,
              description: field.description,
              // The value is of the shape, as far as it goes, which TypeScript cannot know.
              resolve: (value) => shown(value[field.name], field) as never,
            }),
          ]),
        ),
    });
  }

  #union(shape: UnionShape): OutputRef<unknown> {
    const names = new Map(
      shape.members.flatMap(({ values, object }) =>
        values.map(({ value }) => [value, partialName(object.name)] as const),
      ),
    );
    const ref = this.#builder.unionType(partialName(shape.name), {
      description: `${shape.name} as far as it is whole.`,
      types: () => shape.members.map(({ object }) => this.objectOf(object) as never),
      resolveType: (value) => names.get(String((value as Properties)[shape.discriminator])),
    });
    this.#types.set(shape, ref);
    return ref;
  }
}

/** A value, or null where it cannot be said yet which member of a union it is. */
function shown(value: unknown, { shape }: Pick<FieldShape, 'shape'>): unknown {
  if (value === undefined || value === null) return null;
  if (shape.kind === 'list') return (value as unknown[]).map((item) => shown(item, shape.item));
  if (shape.kind !== 'union') return value;
  return (value as Properties)[shape.discriminator] === undefined ? null : value;
}
