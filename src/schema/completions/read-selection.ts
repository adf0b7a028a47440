import {
  type FieldNode,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  GraphQLSkipDirective,
  getDirectiveValues,
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { mergeSelections, type OutputSelection } from '../../kernel/output-selection.ts';
import { partialName } from '../zod/partial-name.ts';
import type { ObjectShape, TypeShape, UnionShape } from '../zod/type-shape.ts';

type Info = Pick<GraphQLResolveInfo, 'schema' | 'fragments' | 'variableValues' | 'fieldNodes'>;

interface Place {
  /** Of the type whose fields are selected. */
  typeName: string;
  node: FieldNode;
}

/**
 * What an operation selects of a prompt's typed output, anywhere below its field: of the finished run and of the partial
 * output of its events, through fragments, aliases, `@include` and `@skip`. Null when it selects none of it.
 */
export function readSelection(
  info: Info,
  { completionType, shape }: { completionType: string; shape: TypeShape },
): OutputSelection | null {
  const reader = new SelectionReader(info);
  let found: OutputSelection | null = null;
  for (const { typeName, node } of reader.below(info.fieldNodes)) {
    const isOutput = typeName === completionType && node.name.value === 'output';
    const isPartial = typeName === 'OutputProgressed' && node.name.value === 'partial';
    if (!isOutput && !isPartial) continue;
    const selection = reader.select(shape, node.selectionSet ? [node.selectionSet] : [], isPartial);
    if (selection === null) continue;
    found = found === null ? selection : mergeSelections(found, selection);
  }
  return found;
}

class SelectionReader {
  readonly #info: Info;

  constructor(info: Info) {
    this.#info = info;
  }

  /** Every field below some fields of one root, with the type that it is a field of. */
  *below(nodes: readonly FieldNode[]): Iterable<Place> {
    for (const node of nodes) {
      const type = this.#rootField(node.name.value);
      if (type && node.selectionSet) yield* this.#walk(node.selectionSet, getNamedType(type).name);
    }
  }

  #rootField(name: string): GraphQLOutputType | undefined {
    const { schema } = this.#info;
    const roots = [schema.getMutationType(), schema.getSubscriptionType(), schema.getQueryType()];
    return roots.flatMap((root) => root?.getFields()[name]?.type ?? [])[0];
  }

  *#walk(set: SelectionSetNode, typeName: string): Iterable<Place> {
    for (const { node, on } of this.#fields(set, typeName)) {
      yield { typeName: on, node };
      const type = this.#info.schema.getType(on);
      if (!node.selectionSet || !(isObjectType(type) || isInterfaceType(type))) continue;
      const field = (type as GraphQLObjectType).getFields()[node.name.value];
      const child = field && getNamedType(field.type);
      if (child && isCompositeType(child)) yield* this.#walk(node.selectionSet, child.name);
    }
  }

  /** The included fields of a selection set, each with the type that its fragment is on. */
  *#fields(set: SelectionSetNode, on: string): Iterable<{ node: FieldNode; on: string }> {
    for (const selection of set.selections) {
      if (!this.#isIncluded(selection)) continue;
      if (selection.kind === Kind.FIELD) yield { node: selection, on };
      else {
        const fragment =
          selection.kind === Kind.FRAGMENT_SPREAD
            ? this.#info.fragments[selection.name.value]
            : selection;
        if (!fragment) continue;
        yield* this.#fields(fragment.selectionSet, fragment.typeCondition?.name.value ?? on);
      }
    }
  }

  #isIncluded(node: SelectionNode): boolean {
    const { variableValues } = this.#info;
    const skip = getDirectiveValues(GraphQLSkipDirective, node, variableValues);
    const include = getDirectiveValues(GraphQLIncludeDirective, node, variableValues);
    return skip?.['if'] !== true && include?.['if'] !== false;
  }

  /** The selection of a value; null when the operation reads nothing of it but `__typename`. */
  select(
    shape: TypeShape,
    sets: readonly SelectionSetNode[],
    isPartial: boolean,
  ): OutputSelection | null {
    if (shape.kind === 'list') return this.select(shape.item.shape, sets, isPartial);
    if (shape.kind === 'object') return this.#selectObject(shape, sets, isPartial);
    if (shape.kind === 'union') return this.#selectUnion(shape, sets, isPartial);
    return true;
  }

  #selectObject(
    shape: ObjectShape,
    sets: readonly SelectionSetNode[],
    isPartial: boolean,
  ): OutputSelection {
    const name = isPartial ? partialName(shape.name) : shape.name;
    const nodes = new Map<string, SelectionSetNode[]>();
    for (const set of sets) {
      for (const { node, on } of this.#fields(set, name)) {
        if (!this.#applies(on, name)) continue;
        const field = node.name.value;
        nodes.set(field, [
          ...(nodes.get(field) ?? []),
          ...(node.selectionSet ? [node.selectionSet] : []),
        ]);
      }
    }
    const fields = shape.fields.flatMap((field) => {
      const found = nodes.get(field.name);
      return found ? [[field.name, this.select(field.shape, found, isPartial) ?? {}] as const] : [];
    });
    return Object.fromEntries(fields);
  }

  #selectUnion(
    shape: UnionShape,
    sets: readonly SelectionSetNode[],
    isPartial: boolean,
  ): OutputSelection {
    return Object.fromEntries(
      shape.members.flatMap(({ values, object }) => {
        const selection = this.#selectObject(object, sets, isPartial);
        return values.map(({ value }) => [`=${value}`, selection] as const);
      }),
    );
  }

  /** Is a fragment on `on` one for values of the object type `name`? */
  #applies(on: string, name: string): boolean {
    if (on === name) return true;
    const { schema } = this.#info;
    const [condition, type] = [schema.getType(on), schema.getType(name)];
    if (!isObjectType(type) || !condition) return false;
    return isCompositeType(condition) && !isObjectType(condition)
      ? schema.isSubType(condition, type)
      : false;
  }
}
