import { isStorable } from '../json/storable-text.ts';
import { isAdmin, type Principal } from './principal.ts';

/** A principal as something with readers sees it. */
export type Reader = Pick<Principal, 'userId' | 'groups' | 'roles' | 'scopes'>;

/** Every signed-in caller. */
export const everyone = '*';

/** A caller of whom nothing is known: reads what everyone reads. */
export const anyone: Reader = { userId: '', groups: [], roles: [] };

/** The service itself, which reads everything. */
export const everything: Reader = { userId: 'system', groups: [], roles: ['ADMIN'] };

const maxNameLength = 255;

/** `user:NAME`, `group:NAME` or `*`. */
export const isReaderName = (name: unknown): name is string => {
  if (typeof name !== 'string') return false;
  const [, bare] = /^(?:user|group):(.+)$/s.exec(name) ?? [];
  if (bare === undefined) return name === everyone;
  return bare.trim() === bare && bare.length <= maxNameLength && isStorable(bare);
};

export const userName = ({ userId }: Pick<Principal, 'userId'>): string => `user:${userId}`;

/** The names under which a principal may stand in a list of readers; null for an admin, who reads everything. */
export const readerNames = (reader: Reader): string[] | null =>
  isAdmin(reader)
    ? null
    : [everyone, userName(reader), ...reader.groups.map((group) => `group:${group}`)];

/** Is the principal, or one of its groups, in the list? */
export function isAmong(reader: Reader, list: readonly string[]): boolean {
  const names = readerNames(reader);
  return names === null || names.some((name) => list.includes(name));
}
