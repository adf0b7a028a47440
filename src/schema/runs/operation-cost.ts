import { Decimal } from 'decimal.js';
import {
  type FieldNode,
  GraphQLIncludeDirective,
  type GraphQLResolveInfo,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import type { Usd } from '../../kernel/prices.ts';
import type { GraphQLContext } from '../context.ts';
import { operationTooExpensive } from '../limits/request-error.ts';

/** The most that the run of a root field can cost; null when nothing bounds it. */
export type WorstCase = (
  args: Record<string, unknown>,
  request: { context: GraphQLContext; info: GraphQLResolveInfo },
) => Promise<Usd | null>;

/** The key of a root field's `WorstCase` among its extensions. */
export const worstCaseKey = 'tesseraWorstCase';

/**
 * The most that all runs of an operation can cost together, aliases included, worked out once before any of them begins.
 * Null when a run has no bound.
 */
export function worstCaseOf(
  info: GraphQLResolveInfo,
  context: GraphQLContext,
): Promise<Usd | null> {
  context.worstCase ??= sum(info, context);
  return context.worstCase;
}

async function sum(info: GraphQLResolveInfo, context: GraphQLContext): Promise<Usd | null> {
  const costs = await Promise.all(
    [...rootFields(info.operation.selectionSet, info)].map(async (node) => {
      const field = info.parentType.getFields()[node.name.value];
      const worstCase = field?.extensions[worstCaseKey] as WorstCase | undefined;
      if (!field || !worstCase) return '0';
      const args = getArgumentValues(field, node, info.variableValues);
      return worstCase(args, { context, info: { ...info, fieldNodes: [node] } });
    }),
  );
  if (costs.includes(null)) return null;
  return Decimal.sum(0, ...(costs as Usd[])).toFixed();
}

function* rootFields(set: SelectionSetNode, info: GraphQLResolveInfo): Iterable<FieldNode> {
  for (const selection of set.selections) {
    const skip = getDirectiveValues(GraphQLSkipDirective, selection, info.variableValues);
    const include = getDirectiveValues(GraphQLIncludeDirective, selection, info.variableValues);
    if (skip?.['if'] === true || include?.['if'] === false) continue;
    if (selection.kind === Kind.FIELD) yield selection;
    else if (selection.kind === Kind.INLINE_FRAGMENT)
      yield* rootFields(selection.selectionSet, info);
    else {
      const fragment = info.fragments[selection.name.value];
      if (fragment) yield* rootFields(fragment.selectionSet, info);
    }
  }
}

/** Refuses the operation when its runs may cost more than the request allows. Nothing has been begun by then. */
export async function assertWithinCost(
  info: GraphQLResolveInfo,
  context: GraphQLContext,
): Promise<void> {
  const { maxCost } = context;
  if (maxCost === null) return;
  const worstCase = await worstCaseOf(info, context);
  if (worstCase === null) {
    throw operationTooExpensive(
      'x-tessera-max-cost: nothing bounds what this operation may cost. Give each of its runs options: { maxCost }, and use models whose price is known.',
    );
  }
  if (new Decimal(worstCase).greaterThan(maxCost)) {
    throw operationTooExpensive(
      `x-tessera-max-cost: this operation may cost $${worstCase}, which is more than $${maxCost}. Ask for fewer tokens, fewer output fields or a cheaper model.`,
    );
  }
}
