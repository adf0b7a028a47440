import {
  type GraphQLFieldResolver,
  type GraphQLSchema,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import { messageOf } from '../kernel/message-of.ts';
import { asPlugin, runAsPlugin } from '../kernel/registry/plugin-context.ts';
import type { RegisteredPlugin } from '../kernel/registry/registry.ts';
import { StartupError } from '../kernel/startup-error.ts';
import type { Builder } from './builder.ts';

type Thunk = (...args: never[]) => unknown;

/** Methods of the builder that add fields to a root type, and the type. */
const roots: Readonly<Record<string, string>> = {
  queryField: 'Query',
  queryFields: 'Query',
  mutationField: 'Mutation',
  mutationFields: 'Mutation',
  subscriptionField: 'Subscription',
  subscriptionFields: 'Subscription',
};
/** Methods that add fields to a type that is given first. */
const additions = new Set(['objectField', 'objectFields', 'interfaceField', 'interfaceFields']);

/** Which plugin adds which types and fields to the schema: for problems that show only when it is built, and for faults. */
export class PluginFields {
  /** By "Type.field". */
  readonly #fields = new Map<string, string[]>();
  readonly #types = new Map<string, string>();

  /** Lets a plugin extend the schema. Throws a `StartupError` that names it. */
  extend(builder: Builder, { name: plugin, parts }: RegisteredPlugin): void {
    if (!parts.graphql) return;
    const { typeConfigs } = builder.configStore;
    const before = new Set(typeConfigs.keys());
    try {
      runAsPlugin(plugin, () => parts.graphql?.(this.#watched(builder, plugin)));
    } catch (cause) {
      const problem = `plugin "${plugin}": graphql(builder) failed: ${messageOf(cause)}`;
      throw new StartupError([problem], { cause });
    }
    for (const type of typeConfigs.keys()) if (!before.has(type)) this.#types.set(type, plugin);
  }

  /** A problem of the built schema, in words that name the plugin whose field or type it is about. */
  explain(problem: string): string {
    const [, field, type] = /Duplicate field (\w+) on (\w+)/.exec(problem) ?? [];
    const [first, second] = this.#fields.get(`${type}.${field}`) ?? [];
    if (first !== undefined) {
      const owner = second === undefined ? 'the server' : `plugin "${first}"`;
      return `plugin "${second ?? first}": ${problem}: ${owner} has that field; choose another name`;
    }
    const place = /\b\w+\.\w+\b/.exec(problem)?.[0] ?? '';
    const named = /\bType (\w+)/.exec(problem)?.[1] ?? '';
    const plugin = this.#fields.get(place)?.[0] ?? this.#types.get(named);
    return plugin === undefined ? problem : `plugin "${plugin}": ${problem}`;
  }

  /** Runs the resolvers of plugins under their plugin's name. */
  attribute(schema: GraphQLSchema): void {
    for (const type of Object.values(schema.getTypeMap())) {
      if (!isObjectType(type) && !isInterfaceType(type)) continue;
      for (const [name, field] of Object.entries(type.getFields())) {
        const plugin = this.#types.get(type.name) ?? this.#fields.get(`${type.name}.${name}`)?.[0];
        if (plugin === undefined) continue;
        const own = <Resolver extends GraphQLFieldResolver<unknown, unknown>>(
          resolver: Resolver | undefined,
        ) => resolver && asPlugin(plugin, resolver);
        field.resolve = own(field.resolve);
        field.subscribe = own(field.subscribe);
      }
    }
  }

  /** The builder, which notes the fields that are added to types that others have declared. */
  #watched(builder: Builder, plugin: string): Builder {
    const note = (type: string, field: string) => {
      const plugins = this.#fields.get(`${type}.${field}`) ?? [];
      this.#fields.set(`${type}.${field}`, [...plugins, plugin]);
    };
    return new Proxy(builder, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        const root = roots[String(key)];
        if (typeof value !== 'function' || (!root && !additions.has(String(key)))) return value;
        return (...args: unknown[]): unknown => {
          const [given, ...rest] = root ? [root, ...args] : args;
          const type = typeNameOf(given);
          if (typeof rest[0] === 'string') note(type, rest[0]);
          const thunks = args.map((arg) =>
            typeof arg === 'function' && arg === rest.at(-1)
              ? noting(arg as Thunk, type, note)
              : arg,
          );
          return Reflect.apply(value, target, thunks) as unknown;
        };
      },
    });
  }
}

/** The thunk of several fields, whose names show when it is called. */
function noting(thunk: Thunk, type: string, note: (type: string, field: string) => void): Thunk {
  return (...args) => {
    const fields = thunk(...args);
    const isOfFields = typeof fields === 'object' && fields !== null && !('kind' in fields);
    if (isOfFields) for (const name of Object.keys(fields)) note(type, name);
    return fields;
  };
}

const typeNameOf = (type: unknown): string =>
  typeof type === 'string' ? type : String((type as { name?: unknown } | null)?.name ?? '');
