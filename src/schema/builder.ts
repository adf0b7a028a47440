import SchemaBuilder, { type ArgBuilder } from '@pothos/core';
import DataloaderPlugin from '@pothos/plugin-dataloader';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import ZodPlugin from '@pothos/plugin-zod';
import { decodeGlobalId, encodeGlobalId, type GlobalIdType } from './global-id.ts';
import { authScopesOf } from './limits/auth-scopes.ts';
import InputErrorPlugin from './limits/input-error-plugin.ts';
import OperationCostPlugin from './limits/operation-cost-plugin.ts';
import { operationLimits, tooExpensive } from './limits/operation-limits.ts';
import { badUserInput, forbidden, unauthenticated } from './limits/request-error.ts';
import { resolveNode } from './resolve-node.ts';
import AuditPlugin from './results/audit-plugin.ts';
import type { TypeMap } from './type-map.ts';

/** The type map as Pothos completes it. */
export type Types = PothosSchemaTypes.ExtendDefaultTypes<TypeMap>;

export type Builder = PothosSchemaTypes.SchemaBuilder<Types>;

/** Declares fields of an object type whose values are of the given shape. */
export type ObjectFields<Shape> = PothosSchemaTypes.ObjectFieldBuilder<Types, Shape>;

/** Declares fields of an interface whose values are of the given shape. */
export type InterfaceFields<Shape> = PothosSchemaTypes.InterfaceFieldBuilder<Types, Shape>;

/** Declares arguments of a field. */
export type Arguments = ArgBuilder<Types>;

/** Declares fields of an input type. */
export type InputFields = PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>;

declare module '../kernel/plugin.ts' {
  interface SchemaBuilderForPlugins extends Builder {}
}

const relay: PothosSchemaTypes.SchemaBuilderOptions<Types>['relay'] = {
  encodeGlobalID: (typename, id) => encodeGlobalId(typename as GlobalIdType, String(id)),
  decodeGlobalID: (text) => decodeGlobalId(text),
  idFieldOptions: { description: 'Opaque id, unique over all types.' },
  nodeTypeOptions: { description: 'Anything with an id that `node` finds.' },
  nodeQueryOptions: {
    args: { id: { description: 'Id of any type.' } },
    description: 'Finds a node by its id; null if there is none or the caller may not read it.',
    authScopes: { member: true },
    resolve: resolveNode,
  },
  nodesQueryOptions: false,
  cursorType: 'String',
  // The page's own cost counts its length.
  edgesFieldOptions: {
    description: 'The nodes of the page with their cursors.',
    nullable: false,
    complexity: { field: 0, multiplier: 1 },
  },
  nodeFieldOptions: { description: 'The node.', nullable: false },
  cursorFieldOptions: { description: 'Opaque position. Pass it as `after`.' },
  pageInfoTypeOptions: { description: 'Position of a page in its list.' },
  pageInfoFieldOptions: { description: 'Position of the page in its list.' },
  hasNextPageFieldOptions: { description: 'Whether more nodes follow.' },
  hasPreviousPageFieldOptions: { description: 'Whether nodes come before.' },
  startCursorFieldOptions: { description: 'Cursor of the first edge; null without edges.' },
  endCursorFieldOptions: { description: 'Cursor of the last edge; null without edges.' },
};

/** A builder with the plugins of this schema, their order being the order in which they see a request. */
export function createBuilder(): Builder {
  return new SchemaBuilder<TypeMap>({
    plugins: [
      OperationCostPlugin,
      ScopeAuthPlugin,
      ZodPlugin,
      InputErrorPlugin,
      RelayPlugin,
      DataloaderPlugin,
      AuditPlugin,
    ],
    defaultFieldNullability: false,
    complexity: { limit: operationLimits, complexityError: tooExpensive },
    scopeAuth: {
      authScopes: authScopesOf,
      authorizeOnSubscribe: true,
      unauthorizedError: (_parent, context) => (context.caller ? forbidden() : unauthenticated()),
    },
    zod: {
      validationError: (error) =>
        badUserInput(
          error.issues.map(({ path, message }) => ({ path: path.map(String), message })),
        ),
    },
    relay,
  });
}
