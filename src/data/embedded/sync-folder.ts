import { closeSync, fsyncSync, openSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';

/** Windows opens no directory, and needs no sync of one: its journal keeps names. */
const unsyncable = new Set(['EISDIR', 'EPERM', 'EACCES', 'EINVAL']);

/** Waits until the names in a directory are on the disk. A name that was created is lost by a power cut before that. */
export function syncDirectory(directory: string): void {
  try {
    syncFile(directory);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (process.platform !== 'win32' || !unsyncable.has(code)) throw error;
  }
}

/** Waits until everything below a directory is on the disk, and its own name. */
export async function syncFolder(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const full = path.join(entry.parentPath, entry.name);
    if (entry.isDirectory()) syncDirectory(full);
    else if (entry.isFile()) syncFile(full);
  }
  syncDirectory(folder);
  syncDirectory(path.dirname(folder));
}

function syncFile(file: string): void {
  // Windows flushes only what is open for writing; a directory can be opened for reading alone.
  const descriptor = openSync(file, process.platform === 'win32' ? 'r+' : 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
