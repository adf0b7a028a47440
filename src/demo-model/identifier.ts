import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** An identifier in the provider's form: a prefix and 24 letters and digits, e.g. `msg_01…`. */
export function createIdentifier(prefix: 'msg' | 'req' | 'toolu'): string {
  const body = [...randomBytes(22)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
  return `${prefix}_01${body}`;
}
