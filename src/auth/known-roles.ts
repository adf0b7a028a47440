import { type Role, roles } from '../kernel/access/principal.ts';

/** The roles that this version knows, out of names from a database or a token. */
export const knownRoles = (names: readonly unknown[]): Role[] =>
  names.filter((name): name is Role => (roles as readonly unknown[]).includes(name));
