import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const fileName = 'admin-key';

/** Where the first admin key of a server lies that had no terminal to show it on. */
export const firstKeyFile = (dataDir: string): string => join(dataDir, fileName);

/** Writes the key so that nobody but the server's own user can read it. */
export function writeFirstKey(dataDir: string, key: string): string {
  const file = firstKeyFile(dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(file, `${key}\n`, { mode: 0o600 });
  // A file that was there keeps its mode.
  chmodSync(file, 0o600);
  return file;
}

/** The key of a server on this machine; null where there is none, or it is not for this user. */
export function readFirstKey(dataDir: string): string | null {
  try {
    return readFileSync(firstKeyFile(dataDir), 'utf8').trim() || null;
  } catch {
    return null;
  }
}
