import { stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { moduleBeside } from '../kernel/module-beside.ts';
import { isTesseraConfig, type TesseraConfig } from '../kernel/plugin.ts';
import { StartupError } from '../kernel/startup-error.ts';

/** The second is for folders whose package.json says "type": "commonjs", as `npm init` writes it. */
const defaultNames = ['tessera.config.ts', 'tessera.config.mts'] as const;

const isFile = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => null))?.isFile() ?? false;

async function findConfig(path: string | undefined, directory: string): Promise<string> {
  if (path !== undefined) {
    const file = isAbsolute(path) ? path : resolve(directory, path);
    if (await isFile(file)) return file;
    throw new StartupError([
      `there is no configuration file ${file}: write one, or unset TESSERA_CONFIG for the built-in plugins`,
    ]);
  }
  for (const name of defaultNames) {
    const own = join(directory, name);
    if (await isFile(own)) return own;
  }
  return fileURLToPath(moduleBeside(import.meta.url, '../default-config'));
}

/** Where in the person's files it went wrong: V8 puts a syntax error's place before the stack, a throw's into it. */
function placeOf(error: Error): string {
  const [first = '', ...frames] = (error.stack ?? '').split('\n');
  if (error.name === 'SyntaxError') return /:\d+$/.test(first) ? ` at ${first}` : '';
  const place = /file:\/\/([^\s()?]+)(?:\?[^\s():]*)?(:\d+:\d+)/.exec(frames.join('\n'));
  return place ? ` at ${place[1]}${place[2]}` : '';
}

/** What Node says of `import` and `export` in a file that it reads as CommonJS. */
const isCommonJs = ({ name, message }: Error): boolean =>
  name === 'SyntaxError' &&
  /^Cannot use \S+( statement)? outside a module|^Unexpected token 'export'/.test(message);

const commonJsProblem =
  'Node takes it for CommonJS. Set "type": "module" in its package.json, or name it tessera.config.mts (and what it imports .mts as well)';

function loadProblem(file: string, error: unknown): string {
  if (!(error instanceof Error)) return `${file} threw ${String(error)}`;
  const at = placeOf(error);
  const [line = ''] = error.message.split('\n');
  if (isCommonJs(error)) return `${file} cannot be loaded${at}: ${commonJsProblem}`;
  if (error.name === 'SyntaxError') return `${file} cannot be read as TypeScript${at}: ${line}`;
  return `${file} cannot be loaded${at}: ${line}`;
}

async function importDefault(file: string): Promise<unknown> {
  try {
    // The time of the last change makes a changed file a new module, so that a second load in one process sees it.
    const { mtimeMs } = await stat(file);
    const loaded: { default?: unknown } = await import(`${pathToFileURL(file)}?${mtimeMs}`);
    return loaded.default;
  } catch (error) {
    throw new StartupError([loadProblem(file, error)], { cause: error });
  }
}

/**
 * The plugin list of this server: `path` (relative to `directory`), else `tessera.config.ts` or `tessera.config.mts` in
 * `directory`, else the package's own with the built-in plugins. The file is imported as it is, without a build, so its syntax must be one
 * that Node can strip (no enums, imports with their file endings), and it may not lie in a node_modules folder.
 * Rejects with a `StartupError` when it is missing, throws, or does not export what `defineConfig` made.
 */
export async function loadConfig(
  path?: string,
  directory: string = process.cwd(),
): Promise<{ file: string; config: TesseraConfig }> {
  const file = await findConfig(path, directory);
  const config = await importDefault(file);
  if (config === undefined) {
    throw new StartupError([
      `${file} has no default export: end it with export default defineConfig({ plugins: [ … ] })`,
    ]);
  }
  if (!isTesseraConfig(config) || !Array.isArray(config.plugins)) {
    throw new StartupError([
      `the default export of ${file} is not what defineConfig({ plugins: [ … ] }) returned`,
    ]);
  }
  return { file, config };
}
