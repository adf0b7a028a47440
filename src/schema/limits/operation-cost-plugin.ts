import SchemaBuilder, { type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core';
import { PothosComplexityPlugin } from '@pothos/plugin-complexity';
import type { GraphQLFieldResolver } from 'graphql';

declare global {
  export namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      operationCost: OperationCostPlugin<Types>;
    }
  }
}

/**
 * The complexity plugin, measuring a subscription before it starts model work rather than at its first event. Events of
 * a run pass unchanged: the plugins after this one checked the arguments at the start, and would cost each token as
 * much again.
 */
class OperationCostPlugin<Types extends SchemaTypes> extends PothosComplexityPlugin<Types> {
  override wrapResolve(
    resolve: GraphQLFieldResolver<unknown, Types['Context'], object>,
    field: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    if (field.kind !== 'Subscription') return super.wrapResolve(resolve, field);
    return this.#streamsRun(field) ? (event) => event : resolve;
  }

  #streamsRun({ type }: PothosOutputFieldConfig<Types>): boolean {
    if (type.kind !== 'Interface') return false;
    return this.builder.configStore.getTypeConfig(type.ref).name === 'RunEvent';
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
SchemaBuilder.registerPlugin(pluginName, OperationCostPlugin);

export default pluginName;
