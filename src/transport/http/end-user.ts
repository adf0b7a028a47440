import type { IncomingMessage } from 'node:http';
import type { EndUser } from '../../auth/auth.ts';
import { isGroupName } from '../../auth/group-name.ts';
import { refusal } from './request-refusal.ts';

export const endUserHeaders = { user: 'x-tessera-user', groups: 'x-tessera-groups' } as const;

/** A header's text: plain, or `UTF-8''` and percent-encoded (RFC 8187) where it is more than ASCII. */
function decoded(name: string, text: string): string {
  const [, encoded] = /^UTF-8''(.*)$/i.exec(text.trim()) ?? [];
  if (encoded === undefined) return text.trim();
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw refusal('BAD_USER_INPUT', `${name} is not percent-encoded UTF-8.`);
  }
}

function groupsOf(text: string): string[] {
  const names = decoded(endUserHeaders.groups, text)
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  if (names.every(isGroupName)) return [...new Set(names)];
  throw refusal('BAD_USER_INPUT', `${endUserHeaders.groups} holds a name that no group can have.`);
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/**
 * The end user that a request names by these texts; null for none. Rejects with BAD_USER_INPUT for groups without a user,
 * which would else be given to the key's own.
 */
export function endUserOf(user: unknown, groups: unknown): EndUser | null {
  const [name, names] = [textOf(user), textOf(groups)];
  if (name === null) {
    if (names === null) return null;
    throw refusal(
      'BAD_USER_INPUT',
      `${endUserHeaders.groups} needs ${endUserHeaders.user} as well.`,
    );
  }
  return {
    userId: decoded(endUserHeaders.user, name),
    groups: names === null ? [] : groupsOf(names),
  };
}

export const endUserOfHeaders = ({ headers }: IncomingMessage): EndUser | null =>
  endUserOf(headers[endUserHeaders.user], headers[endUserHeaders.groups]);
