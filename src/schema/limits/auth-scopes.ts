import { type Caller, hasRole, type Role } from '../../kernel/principal.ts';

/**
 * Access rules of fields, by name, with the roles that each admits beside ADMIN. A field lists those that apply; any one
 * of them is enough.
 */
export const rolesOfScope = {
  /** Everybody with a role. */
  member: ['OPERATOR', 'EDITOR', 'APPROVER', 'AUDITOR', 'USER'],
  user: ['USER'],
  operator: ['OPERATOR'],
  editor: ['EDITOR'],
  approver: ['APPROVER'],
  auditor: ['AUDITOR'],
  admin: [],
} as const satisfies Record<string, readonly Role[]>;

export type Scope = keyof typeof rolesOfScope;

/** The rules that a caller passes. Nobody without a role passes any. */
export function authScopesOf(caller: Caller | null): Record<Scope, boolean> {
  const passes = (scope: Scope): boolean =>
    caller !== null && hasRole(caller, 'ADMIN', ...rolesOfScope[scope]);
  return {
    member: passes('member'),
    user: passes('user'),
    operator: passes('operator'),
    editor: passes('editor'),
    approver: passes('approver'),
    auditor: passes('auditor'),
    admin: passes('admin'),
  };
}
