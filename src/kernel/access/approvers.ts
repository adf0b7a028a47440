import { hasRole, isAdmin, type Principal, type Role } from './principal.ts';

/**
 * The people who may decide whether a tool call is made. An admin always may.
 *
 * - `owner`: the run's own owner, who confirms what is done in their name.
 * - `others`: an approver who is not the owner (four eyes).
 * - roles, groups: callers with one of them, the owner included.
 */
export type Approvers =
  | 'owner'
  | 'others'
  | { roles?: readonly Role[] | undefined; groups?: readonly string[] | undefined };

type Decider = Pick<Principal, 'userId' | 'groups' | 'roles'>;

/** Whether roles or groups that a tool names are the principal's. */
export function isNamed(
  { roles: own, groups: member }: Pick<Decider, 'roles' | 'groups'>,
  approvers: Approvers,
): boolean {
  if (typeof approvers === 'string') return false;
  const { roles = [], groups = [] } = approvers;
  return hasRole({ roles: own }, ...roles) || groups.some((group) => member.includes(group));
}

/** Whether a principal may decide on a call of a run that belongs to `ownerId`. */
export function mayDecide(
  principal: Decider,
  { approvers = 'owner', ownerId }: { approvers?: Approvers | undefined; ownerId: string },
): boolean {
  if (isAdmin(principal)) return true;
  if (approvers === 'owner') return principal.userId === ownerId;
  if (approvers === 'others') {
    return hasRole(principal, 'APPROVER') && principal.userId !== ownerId;
  }
  return isNamed(principal, approvers);
}
