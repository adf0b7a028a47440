import {
  InputListRef,
  type InputRef,
  type InputType,
  ListRef,
  type ObjectRef,
  type OutputRef,
  type OutputType,
} from '@pothos/core';
import type { Builder, InputFields, Types } from '../builder.ts';
import { askedField } from './asked-output.ts';
import { namedShapes } from './named-shapes.ts';
import type {
  EnumShape,
  FieldShape,
  ObjectShape,
  Slot,
  TypeShape,
  UnionShape,
} from './type-shape.ts';

type Properties = Record<string, unknown>;

type InputOptions = Parameters<ReturnType<Builder['inputRef']>['implement']>[0];

const withDescription = (description: string | undefined): { description?: string } =>
  description === undefined ? {} : { description };

const mayBeNull = ({ nullable, optional }: Slot): boolean => nullable || optional;

/** Makes the GraphQL types of shapes in one builder: one type for each shape, however often it is referred to. */
export class ShapeTypes {
  readonly #builder: Builder;
  readonly #enums = new Map<EnumShape, InputRef<unknown> & OutputRef<unknown>>();
  readonly #inputs = new Map<TypeShape, InputRef<unknown>>();
  readonly #outputs = new Map<TypeShape, OutputRef<unknown>>();

  constructor(builder: Builder) {
    this.#builder = builder;
  }

  /** Makes the input types of a shape, all before Pothos asks for any: one may then contain itself. */
  declareInputs(shape: TypeShape): void {
    for (const named of namedShapes(shape)) {
      const isEmpty = named.kind === 'object' && named.fields.length === 0;
      if (!isEmpty) this.inputType(named);
    }
  }

  /** `declareInputs` for what comes out. */
  declareOutputs(shape: TypeShape): void {
    for (const named of namedShapes(shape)) this.outputType(named);
  }

  /** The type of a place in an input; its nullability is the field's. */
  inputType(shape: TypeShape): InputType<Types> {
    switch (shape.kind) {
      case 'scalar':
        return shape.name;
      case 'enum':
        return this.#enum(shape);
      case 'list': {
        const item = this.inputType(shape.item.shape);
        return new InputListRef<Types, unknown>(item, !mayBeNull(shape.item));
      }
      case 'object':
        return this.#inputs.get(shape) ?? this.#inputObject(shape);
      case 'union':
        return this.#inputs.get(shape) ?? this.#oneOfInput(shape);
    }
  }

  /** The type of a place in an output; its nullability is the field's. */
  outputType(shape: TypeShape): OutputType<Types> {
    switch (shape.kind) {
      case 'scalar':
        return shape.name;
      case 'enum':
        return this.#enum(shape);
      case 'list': {
        const item = this.outputType(shape.item.shape);
        return new ListRef<Types, unknown>(item, mayBeNull(shape.item));
      }
      case 'object':
        return this.#outputs.get(shape) ?? this.#object(shape);
      case 'union':
        return this.#outputs.get(shape) ?? this.#union(shape);
    }
  }

  #enum(shape: EnumShape): InputRef<unknown> & OutputRef<unknown> {
    const known = this.#enums.get(shape);
    if (known) return known;
    const values = shape.values.map(({ name, value }) => {
      const description = name === value ? {} : { description: `The value "${value}".` };
      return [name, { value, ...description }] as const;
    });
    const made = this.#builder.enumType(shape.name, {
      ...withDescription(shape.description),
      values: Object.fromEntries(values),
    });
    this.#enums.set(shape, made);
    return made;
  }

  #inputField(field: FieldShape, t: InputFields) {
    const { defaultValue, description } = field;
    return t.field({
      ...withDescription(description),
      ...(defaultValue === undefined ? {} : { defaultValue }),
      type: this.inputType(field.shape),
      required: !mayBeNull(field),
    });
  }

  #inputObject(shape: ObjectShape): InputRef<unknown> {
    return this.#input(shape, {
      ...withDescription(shape.description),
      fields: (t) =>
        Object.fromEntries(shape.fields.map((field) => [field.name, this.#inputField(field, t)])),
    });
  }

  /** A field for each value of the discriminator; `Boolean` where a member has nothing besides. */
  #oneOfInput(shape: UnionShape): InputRef<unknown> {
    const choices = shape.members.flatMap(({ values, object }) =>
      values.map(({ name }) => ({ name, object })),
    );
    const choiceType = (object: ObjectShape): InputType<Types> =>
      object.fields.length === 0 ? 'Boolean' : this.inputType(object);
    return this.#input(shape, {
      isOneOf: true,
      description: shape.description ?? `Exactly one: it says the "${shape.discriminator}".`,
      fields: (t) =>
        Object.fromEntries(
          choices.map(({ name, object }) => {
            const description = withDescription(object.description);
            return [name, t.field({ type: choiceType(object), ...description })];
          }),
        ),
    });
  }

  /** Known before its fields are declared, among which it may be itself. */
  #input(shape: ObjectShape | UnionShape, options: InputOptions): InputRef<unknown> {
    const ref = this.#builder.inputRef<Properties>(shape.name);
    this.#inputs.set(shape, ref);
    return ref.implement(options);
  }

  #object(shape: ObjectShape): OutputRef<unknown> {
    const ref = this.#builder.objectRef<Properties>(shape.name);
    this.#outputs.set(shape, ref);
    return ref.implement({
      ...withDescription(shape.description),
      fields: (t) =>
        Object.fromEntries(
          shape.fields.map((field) => [
            field.name,
            t.field({
              ...withDescription(field.description),
              type: this.outputType(field.shape),
              nullable: mayBeNull(field),
              // The value is of the shape, which TypeScript cannot know.
              resolve: (value) => askedField(value, field.name) as never,
            }),
          ]),
        ),
    });
  }

  #union(shape: UnionShape): OutputRef<unknown> {
    const typeNames = new Map(
      shape.members.flatMap(({ values, object }) =>
        values.map(({ value }) => [value, object.name] as const),
      ),
    );
    const ref = this.#builder.unionType(shape.name, {
      ...withDescription(shape.description),
      types: () => shape.members.map(({ object }) => this.#objectOf(object)),
      resolveType: (value) => typeNames.get(String((value as Properties)[shape.discriminator])),
    });
    this.#outputs.set(shape, ref);
    return ref;
  }

  #objectOf(shape: ObjectShape): ObjectRef<Types, unknown> {
    return (this.#outputs.get(shape) ?? this.#object(shape)) as ObjectRef<Types, unknown>;
  }
}
