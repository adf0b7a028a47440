import type { EnumShape, ObjectShape, TypeShape, UnionShape } from './type-shape.ts';

export type NamedShape = EnumShape | ObjectShape | UnionShape;

/** The shapes within a shape, itself included, that need a GraphQL type of their own: each once. */
export function namedShapes(shape: TypeShape, seen = new Set<TypeShape>()): NamedShape[] {
  if (seen.has(shape)) return [];
  seen.add(shape);
  switch (shape.kind) {
    case 'scalar':
      return [];
    case 'enum':
      return [shape];
    case 'list':
      return namedShapes(shape.item.shape, seen);
    case 'object':
      return [shape, ...shape.fields.flatMap((field) => namedShapes(field.shape, seen))];
    case 'union':
      return [shape, ...shape.members.flatMap(({ object }) => namedShapes(object, seen))];
  }
}
