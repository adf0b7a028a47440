/** A zod schema as GraphQL would express it, before a GraphQL type is made of it. */
export type TypeShape = ScalarShape | EnumShape | ListShape | ObjectShape | UnionShape;

export interface ScalarShape {
  kind: 'scalar';
  name: 'String' | 'Int' | 'Float' | 'Boolean' | 'DateTime' | 'JSON';
}

export interface EnumShape {
  kind: 'enum';
  name: string;
  description: string | undefined;
  /** GraphQL's name of each value and the value that zod knows. */
  values: { name: string; value: string | number }[];
}

export interface ListShape {
  kind: 'list';
  item: Slot;
}

export interface ObjectShape {
  kind: 'object';
  name: string;
  description: string | undefined;
  /** Filled after the shape is made, since an object may contain itself. */
  fields: FieldShape[];
}

/** A discriminated union: of object types on output, an `@oneOf` input with a field for each value on input. */
export interface UnionShape {
  kind: 'union';
  name: string;
  description: string | undefined;
  /** The property that discriminates the members; members of an input do not have it as a field. */
  discriminator: string;
  members: { values: { name: string; value: string }[]; object: ObjectShape }[];
}

/** A place that takes or holds a value. */
export interface Slot {
  shape: TypeShape;
  /** Is null one of its values? */
  nullable: boolean;
  /** May it be left out? */
  optional: boolean;
  /** The default value, if GraphQL can express it. */
  defaultValue?: string | number | boolean;
  description: string | undefined;
}

export interface FieldShape extends Slot {
  name: string;
}
