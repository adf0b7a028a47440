import SchemaBuilder, {
  BasePlugin,
  type PothosOutputFieldConfig,
  type SchemaTypes,
} from '@pothos/core';
import type { GraphQLFieldResolver } from 'graphql';
import { InvalidInputError } from '../../kernel/invalid-input-error.ts';
import { badUserInput } from './request-error.ts';

declare global {
  export namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      inputError: InputErrorPlugin<Types>;
    }
  }
}

type Resolve<Types extends SchemaTypes> = GraphQLFieldResolver<unknown, Types['Context'], object>;

function translate(error: unknown): never {
  if (!(error instanceof InvalidInputError)) throw error;
  const { issues, message } = error;
  throw badUserInput(issues.length > 0 ? issues : [{ path: [], message }]);
}

const translated =
  <Types extends SchemaTypes>(resolve: Resolve<Types>): Resolve<Types> =>
  (...call) => {
    try {
      const value: unknown = resolve(...call);
      return value instanceof Promise ? value.catch(translate) : value;
    } catch (error) {
      return translate(error);
    }
  };

/** An argument that a service cannot interpret (a cursor, a window, a filter) is BAD_USER_INPUT. */
class InputErrorPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(
    resolve: Resolve<Types>,
    field: PothosOutputFieldConfig<Types>,
  ): Resolve<Types> {
    return Object.keys(field.args).length > 0 ? translated(resolve) : resolve;
  }

  override wrapSubscribe(subscribe: Resolve<Types> | undefined): Resolve<Types> | undefined {
    return subscribe && translated(subscribe);
  }
}

const pluginName = 'inputError';
SchemaBuilder.registerPlugin(pluginName, InputErrorPlugin);

export default pluginName;
