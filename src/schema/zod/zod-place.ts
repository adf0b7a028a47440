import type { z } from 'zod';
import { isGraphqlName, typeNamePart } from './graphql-name.ts';
import type { TypeShape } from './type-shape.ts';

/** The schemas of zod, discriminated by `_zod.def.type`, zod's public way to inspect one. */
export type ZodSchema = z.core.$ZodTypes;

/** Description of the schema itself, not of a wrapped schema. */
export const descriptionOf = (schema: z.core.$ZodType): string | undefined =>
  (schema as z.ZodType).description;

export type Direction = 'input' | 'output';

/** GraphQL cannot express this schema: a problem of the plugin, reported at the start. */
export class InexpressibleError extends Error {
  override readonly name = 'InexpressibleError';
}

/** Where in a definition a schema stands, and how its GraphQL types are called. */
export class ZodPlace {
  readonly direction: Direction;
  /** As an author would write it: "variables.options[].style". */
  readonly path: string;
  /** Name of the type that stands here, should it need one. */
  readonly typeName: string;
  /** The objects and unions around this place, so that one that contains itself is met again. */
  readonly ancestors: ReadonlyMap<z.core.$ZodType, TypeShape>;
  readonly #depth: number;

  constructor(place: Pick<ZodPlace, 'direction' | 'path' | 'typeName' | 'ancestors'>, depth = 0) {
    this.direction = place.direction;
    this.path = place.path;
    this.typeName = place.typeName;
    this.ancestors = place.ancestors;
    this.#depth = depth;
  }

  static root(direction: Direction, path: string, typeName: string): ZodPlace {
    return new ZodPlace({ direction, path, typeName, ancestors: new Map() });
  }

  #inner(change: Partial<Pick<ZodPlace, 'path' | 'typeName' | 'ancestors'>>): ZodPlace {
    if (this.#depth >= 64) this.refuse('it nests without end: put an object in between');
    const { direction, path, typeName, ancestors } = this;
    return new ZodPlace({ direction, path, typeName, ancestors, ...change }, this.#depth + 1);
  }

  property(name: string): ZodPlace {
    const place = this.#inner({
      path: `${this.path}.${name}`,
      typeName: `${this.typeName}${typeNamePart(name)}`,
    });
    if (!isGraphqlName(name)) {
      place.refuse(`"${name}" is no GraphQL name: use letters, digits and _, as in max_words`);
    }
    return place;
  }

  item(): ZodPlace {
    return this.#inner({ path: `${this.path}[]` });
  }

  /** Inside a wrapper such as lazy, which has no name of its own. */
  wrapped(): ZodPlace {
    return this.#inner({});
  }

  member(value: string): ZodPlace {
    return this.#inner({
      path: `${this.path}(${value})`,
      typeName: `${this.typeName}${typeNamePart(value)}`,
    });
  }

  within(schema: z.core.$ZodType, shape: TypeShape): ZodPlace {
    return this.#inner({ ancestors: new Map([...this.ancestors, [schema, shape]]) });
  }

  refuse(message: string): never {
    throw new InexpressibleError(`${this.path}: ${message}`);
  }
}
