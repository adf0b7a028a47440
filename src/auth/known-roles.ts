import type { Role } from '../kernel/principal.ts';

const roles: readonly string[] = ['ADMIN', 'USER'] satisfies Role[];

/** The roles that this version knows, out of names from a database or a token. */
export const knownRoles = (names: readonly unknown[]): Role[] =>
  names.filter((name): name is Role => typeof name === 'string' && roles.includes(name));
