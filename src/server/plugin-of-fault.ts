import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runningPlugin } from '../kernel/registry/plugin-context.ts';
import type { RegisteredPlugin } from '../kernel/registry/registry.ts';
import { stackFiles } from '../kernel/registry/stack-files.ts';

/** The server's own files, the built-in plugins aside. */
const ownFolder = fileURLToPath(new URL('..', import.meta.url));
const builtInPlugins = path.join(ownFolder, 'plugins', path.sep);

const isOwn = (file: string): boolean =>
  file.startsWith(ownFolder) && !file.startsWith(builtInPlugins);
const isLibrary = (file: string): boolean => file.includes(`${path.sep}node_modules${path.sep}`);

/** Whose fault it is: a plugin's, by name if that is known, or the server's. */
export type FaultOwner = { plugin: string | null } | 'server';

/**
 * Finds the owner of a fault that nobody caught: the plugin whose code was running, or had started what was running; else
 * the plugin whose file is nearest in the error's stack; else, for a file that is neither the server's nor a library's,
 * some plugin.
 */
export function ownerOfFault(error: unknown, plugins: readonly RegisteredPlugin[]): FaultOwner {
  const running = runningPlugin();
  if (running !== undefined) return { plugin: running };
  const foreign = stackFiles(error).find((file) => !isOwn(file) && !isLibrary(file));
  if (foreign === undefined) return 'server';
  const exact = plugins.find(({ source }) => source === foreign);
  if (exact) return { plugin: exact.name };
  const beside = plugins.filter(({ source }) => source && isWithin(foreign, path.dirname(source)));
  return { plugin: beside.length === 1 ? beside[0]!.name : null };
}

const isWithin = (file: string, folder: string): boolean => file.startsWith(folder + path.sep);
