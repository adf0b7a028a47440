import SchemaBuilder, {
  BasePlugin,
  type FieldNullability,
  type InputFieldMap,
  type InputShapeFromFields,
  type PothosOutputFieldConfig,
  type SchemaTypes,
  type TypeParam,
} from '@pothos/core';
import { GraphQLError, type GraphQLFieldResolver } from 'graphql';
import { isDomainError } from '../../kernel/errors.ts';
import type { GraphQLContext } from '../context.ts';
import { callerOf } from '../limits/access.ts';
import { ErrorData } from './error-data.ts';

/** Parts of an action in the audit log besides its name, actor and outcome. */
export interface AuditedAction {
  /** The thing it was done to. */
  subject?: string | null | undefined;
  /** Arguments, without secrets and without content. */
  detail?: Record<string, unknown>;
}

/** Null: this time it was no administrative action. `result` is undefined where it failed. */
type AuditRule<Args> = (
  args: Args,
  result: unknown,
  context: GraphQLContext,
) => AuditedAction | null;

declare global {
  export namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      audit: AuditPlugin<Types>;
    }
    interface MutationFieldOptions<
      Types extends SchemaTypes,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveReturnShape,
    > {
      /** Subject and detail of the entry in the audit log. */
      audit?: AuditRule<InputShapeFromFields<Args>>;
    }
    interface SubscriptionFieldOptions<
      Types extends SchemaTypes,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveShape,
      ResolveReturnShape,
    > {
      audit?: AuditRule<InputShapeFromFields<Args>>;
    }
  }
}

type Resolve<Types extends SchemaTypes> = GraphQLFieldResolver<unknown, Types['Context'], object>;

interface Action {
  name: string;
  args: object;
  result: unknown;
  /** The code of what went wrong. */
  outcome: string | null;
}

function codeOf(error: unknown): string {
  if (isDomainError(error)) return error.code;
  const code = error instanceof GraphQLError ? error.extensions['code'] : undefined;
  return typeof code === 'string' ? code : 'INTERNAL_SERVER_ERROR';
}

/** The rule's entry. Arguments that it cannot read are reported by the action's own error. */
function describe(
  rule: AuditRule<object> | undefined,
  { args, result, context }: { args: object; result: unknown; context: GraphQLContext },
): AuditedAction | null {
  try {
    return rule ? rule(args, result, context) : {};
  } catch {
    return {};
  }
}

async function record(
  { name, args, result, outcome }: Action,
  rule: AuditRule<object> | undefined,
  context: GraphQLContext,
): Promise<void> {
  const action = describe(rule, { args, result, context });
  if (action === null) return;
  const { userId, apiKeyId, requestId } = callerOf(context);
  const { subject = null, detail = {} } = action;
  const entry = outcome === null ? detail : { ...detail, outcome };
  await context.services.auth.audit.record({
    actor: userId,
    apiKeyId,
    address: context.address,
    action: name,
    subject,
    detail: Object.keys(entry).length > 0 ? entry : null,
    requestId,
  });
}

interface Rules {
  audit?: AuditRule<object>;
  authScopes?: Record<string, boolean>;
}

const rulesOf = <Types extends SchemaTypes>({ pothosOptions }: PothosOutputFieldConfig<Types>) =>
  pothosOptions as Rules;

/** An action that users may not take is an administrative action. */
const isAdministrative = ({ authScopes }: Rules): boolean =>
  !authScopes?.['user'] && !authScopes?.['member'];

/**
 * Writes each administrative action to the audit log once it is done or has failed. A mutation that users may not use is
 * one without being marked; any other field says so by `audit`. An action whose entry cannot be written fails.
 */
class AuditPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(
    resolve: Resolve<Types>,
    field: PothosOutputFieldConfig<Types>,
  ): Resolve<Types> {
    const rules = rulesOf(field);
    const isAudited = field.kind === 'Mutation' && (rules.audit || isAdministrative(rules));
    return isAudited ? audited(resolve, field.name, rules.audit) : resolve;
  }

  override wrapSubscribe(
    subscribe: Resolve<Types> | undefined,
    field: PothosOutputFieldConfig<Types>,
  ): Resolve<Types> | undefined {
    const { audit } = rulesOf(field);
    return subscribe && audit ? audited(subscribe, field.name, audit) : subscribe;
  }
}

const audited =
  <Types extends SchemaTypes>(
    resolve: Resolve<Types>,
    name: string,
    rule: AuditRule<object> | undefined,
  ): Resolve<Types> =>
  async (root, args, context, info) => {
    const note = (result: unknown, outcome: string | null) =>
      record({ name, args, result, outcome }, rule, context as GraphQLContext);
    let result: unknown;
    try {
      result = await resolve(root, args, context, info);
    } catch (error) {
      await note(undefined, codeOf(error));
      throw error;
    }
    if (result instanceof ErrorData) await note(undefined, result.code);
    else await note(result, null);
    return result;
  };

const pluginName = 'audit';
SchemaBuilder.registerPlugin(pluginName, AuditPlugin as never);

export default pluginName;
