import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseSync, type StaticImport } from 'oxc-parser';

/** One source file, paths relative to `src` with forward slashes. */
export interface SourceFile {
  file: string;
  /** The first folder, or the file itself where there is none. */
  room: string;
  /** Relative imports, types included, resolved to files below `src`; outside of it they begin with `..`. */
  imports: string[];
  /** Those of `imports` that are there when the program runs. */
  runtimeImports: string[];
  packages: string[];
  readsEnvironment: boolean;
}

const environment = /\bprocess\s*(\?\.|\.|\[\s*['"])\s*env\b/;

/** `import { env } from 'node:process'`; what imports it whole writes `process.env`. */
const importsEnvironment = ({ moduleRequest, entries }: StaticImport): boolean =>
  /^(node:)?process$/.test(moduleRequest.value) &&
  entries.some(({ importName }) => importName.name === 'env');

/** Reads every TypeScript file below `folder`, generated ones aside. */
export async function readRooms(folder: string): Promise<SourceFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .map((file) => file.split(path.sep).join('/'))
    .filter((file) => !file.startsWith('generated/'))
    .sort();
  return Promise.all(
    files.map(async (file) => parseFile(file, await readFile(path.join(folder, file), 'utf8'))),
  );
}

/** `file` is its path relative to `src`. */
export function parseFile(file: string, source: string): SourceFile {
  const { module, comments, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  let code = source;
  for (const { start, end } of comments) {
    code = code.slice(0, start) + ' '.repeat(end - start) + code.slice(end);
  }
  const requests = [
    ...module.staticImports.map(({ moduleRequest, entries }) => ({
      specifier: moduleRequest.value,
      isType: entries.length > 0 && entries.every((entry) => entry.isType),
    })),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest, isType }) =>
        moduleRequest ? [{ specifier: moduleRequest.value, isType }] : [],
      ),
    ),
    // The parser reports `import('…')` only where it is an expression, not where it is a type.
    ...[...code.matchAll(/\bimport\(\s*['"]([^'"]+)/g)].map((match) => ({
      specifier: match[1]!,
      isType: !module.dynamicImports.some(({ start }) => start === match.index),
    })),
  ];
  const isRelative = ({ specifier }: { specifier: string }): boolean => specifier.startsWith('.');
  const resolved = requests.filter(isRelative).map(({ specifier, isType }) => ({
    target: path.posix.join(path.posix.dirname(file), specifier),
    isType,
  }));
  return {
    file,
    room: file.split('/')[0]!,
    imports: unique(resolved.map(({ target }) => target)),
    runtimeImports: unique(resolved.filter(({ isType }) => !isType).map(({ target }) => target)),
    packages: unique(
      requests.filter((request) => !isRelative(request)).map(({ specifier }) => specifier),
    ),
    readsEnvironment: environment.test(code) || module.staticImports.some(importsEnvironment),
  };
}

const unique = (names: string[]): string[] => [...new Set(names)];

/** Cycles among the files when the program runs, each once, as the files along it. Types may refer to each other. */
export function findCycles(files: readonly SourceFile[]): string[][] {
  const byName = new Map(files.map((source) => [source.file, source]));
  const finished = new Set<string>();
  const trail: string[] = [];
  const cycles: string[][] = [];
  const visit = (name: string): void => {
    const at = trail.indexOf(name);
    if (at >= 0) cycles.push([...trail.slice(at), name]);
    if (at >= 0 || finished.has(name)) return;
    trail.push(name);
    for (const next of byName.get(name)?.runtimeImports ?? []) visit(next);
    trail.pop();
    finished.add(name);
  };
  for (const { file } of files) visit(file);
  return cycles;
}
