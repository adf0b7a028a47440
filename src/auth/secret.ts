import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits, so that a plain hash of it is safe to keep: nobody can guess what to hash. */
export const newSecret = (prefix: string): string => prefix + randomBytes(32).toString('base64url');

/** SHA-256, in hexadecimal. Comparing hashes tells nothing of a secret by the time it takes. */
export const hashSecret = (secret: string): string =>
  createHash('sha256').update(secret).digest('hex');
