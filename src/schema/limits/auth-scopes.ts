import { type Approvers, isNamed } from '../../kernel/access/approvers.ts';
import { type Caller, hasRole, type Role } from '../../kernel/access/principal.ts';
import type { Registry } from '../../kernel/registry/registry.ts';
import type { GraphQLContext } from '../context.ts';

/**
 * Access rules of fields, by name, with the roles that each admits beside ADMIN. A field lists those that apply; any one
 * of them is enough.
 */
export const rolesOfScope = {
  /** Callers with any role. */
  member: ['OPERATOR', 'EDITOR', 'APPROVER', 'AUDITOR', 'USER'],
  user: ['USER'],
  operator: ['OPERATOR'],
  editor: ['EDITOR'],
  approver: ['APPROVER'],
  auditor: ['AUDITOR'],
  admin: [],
} as const satisfies Record<string, readonly Role[]>;

export type Scope = keyof typeof rolesOfScope;

const namedBy = new WeakMap<Registry, Approvers[]>();

/** The approvers that tools name by roles or groups. */
function namedApprovers(registry: Registry): Approvers[] {
  const known = namedBy.get(registry);
  if (known) return known;
  const named = Array.from(registry.tools.values(), ({ approvers = 'owner' }) => approvers).filter(
    (approvers) => typeof approvers === 'object',
  );
  namedBy.set(registry, named);
  return named;
}

function isApprover(caller: Caller | null, registry: Registry): boolean {
  if (caller === null || caller.roles.length === 0) return false;
  return namedApprovers(registry).some((approvers) => isNamed(caller, approvers));
}

/** The rules that a caller passes. A caller without roles passes none. */
export function authScopesOf({ caller, services }: GraphQLContext): Record<Scope, boolean> {
  const passes = (scope: Scope): boolean =>
    caller !== null && hasRole(caller, 'ADMIN', ...rolesOfScope[scope]);
  return {
    member: passes('member'),
    user: passes('user'),
    operator: passes('operator'),
    editor: passes('editor'),
    approver: passes('approver') || isApprover(caller, services.registry),
    auditor: passes('auditor'),
    admin: passes('admin'),
  };
}
