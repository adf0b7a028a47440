import SchemaBuilder, { type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core';
import { PothosComplexityPlugin } from '@pothos/plugin-complexity';
import type { GraphQLFieldResolver } from 'graphql';
import { RunEventView } from '../runs/run-event-view.ts';

declare global {
  export namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      operationCost: OperationCostPlugin<Types>;
    }
  }
}

/**
 * The complexity plugin, measuring a subscription before it starts model work rather than at its first event. A run's
 * events it hands on as they are: what the plugins behind it check of the arguments was checked at the start, and
 * would cost each token as much again.
 */
class OperationCostPlugin<Types extends SchemaTypes> extends PothosComplexityPlugin<Types> {
  override wrapResolve(
    resolve: GraphQLFieldResolver<unknown, Types['Context'], object>,
    field: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    if (field.kind !== 'Subscription') return super.wrapResolve(resolve, field);
    return (event, args, context, info) =>
      event instanceof RunEventView ? event : resolve(event, args, context, info);
  }

  override wrapSubscribe(
    subscribe: GraphQLFieldResolver<unknown, Types['Context'], object> | undefined,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> | undefined {
    return (
      subscribe &&
      ((root, args, context, info) => {
        this.checkComplexity(context, info);
        return subscribe(root, args, context, info);
      })
    );
  }
}

const pluginName = 'operationCost';
// `never`: the complexity plugin's own declaration is not written for `exactOptionalPropertyTypes`.
SchemaBuilder.registerPlugin(pluginName, OperationCostPlugin as never);

export default pluginName;
