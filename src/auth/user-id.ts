import { isStorable } from '../kernel/json/storable-text.ts';

/** OpenID Connect's limit. */
const maxLength = 255;

/** Users of the server itself, and the sign for everyone: no identity provider may name somebody so. */
const reserved: readonly string[] = ['admin', 'system', '*'];

export const isReservedUserId = (name: string): boolean => reserved.includes(name);

/** A name that somebody from outside this server can have. */
export const isUserId = (name: unknown): name is string =>
  typeof name === 'string' &&
  name !== '' &&
  name.length <= maxLength &&
  !isReservedUserId(name) &&
  isStorable(name);
