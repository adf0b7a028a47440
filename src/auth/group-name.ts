import { isStorable } from '../kernel/json/storable-text.ts';

const maxLength = 255;

/** A name as an identity provider or an admin gives it to a group. A comma separates names in a header. */
export const isGroupName = (name: unknown): name is string =>
  typeof name === 'string' &&
  name.trim() !== '' &&
  name.length <= maxLength &&
  !name.includes(',') &&
  isStorable(name);
