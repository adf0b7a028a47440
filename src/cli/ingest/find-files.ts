import type { Dirent } from 'node:fs';
import { lstat, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { CliError } from '../cli-error.ts';
import { kindOf, type SourceKind } from './source-kind.ts';

export type FoundFile =
  /** `source` is what the document is called: see `sourceOf`. */
  { path: string; source: string; kind: SourceKind } | { path: string; skipped: string };

/** Never content of one's own. */
const ignoredFolders = new Set(['node_modules']);

/**
 * Everything below the paths in the order of its names, files by what they are called and folders with all they hold.
 * Hidden entries and `node_modules` are left out in silence. Symbolic links inside a folder are not followed, so nothing
 * outside of it is read and no loop is walked; a path that is itself one is. Rejects with a `CliError` for a path that
 * is not there.
 */
export async function findFiles(paths: readonly string[], base: string): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  for (const given of paths) {
    const root = await realpath(path.resolve(base, given)).catch(() => {
      throw new CliError(`There is no file or folder ${given}.`);
    });
    const sourceOf = (file: string): string => nameSource(file, root, base);
    const status = await lstat(root);
    if (status.isDirectory()) {
      for await (const file of walk(root, sourceOf)) found.push(file);
    } else if (status.isFile()) {
      // Who names a file means it, whatever its ending.
      found.push({ path: root, source: sourceOf(root), kind: kindOf(root) ?? 'text' });
    } else {
      throw new CliError(`${given} is neither a file nor a folder.`);
    }
  }
  return found;
}

/** Relative to `base` where the file lies in it, else to the folder of the path that was given; with forward slashes. */
function nameSource(file: string, root: string, base: string): string {
  const inBase = path.relative(base, file);
  const isInside =
    inBase !== '..' && !inBase.startsWith(`..${path.sep}`) && !path.isAbsolute(inBase);
  const name = isInside ? inBase : path.relative(path.dirname(root), file);
  return name.split(path.sep).join('/');
}

async function* walk(
  folder: string,
  sourceOf: (file: string) => string,
): AsyncGenerator<FoundFile> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: Error) => error);
  if (entries instanceof Error) {
    yield { path: folder, skipped: `cannot be opened (${entries.message.split(':', 1)[0]})` };
    return;
  }
  // The same order on every machine, so that a second run meets the same files first.
  entries.sort((one, other) => (one.name < other.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith('.') || ignoredFolders.has(entry.name)) continue;
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(file, sourceOf);
    else yield foundEntry(entry, file, sourceOf);
  }
}

function foundEntry(entry: Dirent, file: string, sourceOf: (file: string) => string): FoundFile {
  if (entry.isSymbolicLink()) return { path: file, skipped: 'symbolic links are not followed' };
  if (!entry.isFile()) return { path: file, skipped: 'not a regular file' };
  const kind = kindOf(file);
  const ending = path.extname(file);
  if (kind) return { path: file, source: sourceOf(file), kind };
  return { path: file, skipped: ending ? `${ending} files are not read` : 'no known ending' };
}
