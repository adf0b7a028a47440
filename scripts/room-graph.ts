import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseSync, type StaticImport } from 'oxc-parser';
import { functionsOf, type SourceFunction } from './source-functions.ts';

/** One source file, paths relative to `src` with forward slashes. */
export interface SourceFile {
  file: string;
  /** The first folder, or the file itself where there is none. */
  room: string;
  /** The second folder; null for a file that lies in the room itself. */
  wing: string | null;
  /** Relative imports, types included, resolved to files below `src`; outside of it they begin with `..`. */
  imports: string[];
  packages: string[];
  functions: SourceFunction[];
  readsEnvironment: boolean;
}

const environment = /\bprocess\s*(\?\.|\.|\[\s*['"])\s*env\b/;

/** `import { env } from 'node:process'`; a default import writes `process.env`. */
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
  const { module, program, comments, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  let code = source;
  for (const { start, end } of comments) {
    code = code.slice(0, start) + ' '.repeat(end - start) + code.slice(end);
  }
  const specifiers = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
    // The parser reports `import('…')` only where it is an expression, not where it is a type.
    ...[...code.matchAll(/\bimport\(\s*['"]([^'"]+)/g)].map(([, specifier]) => specifier!),
  ];
  const isRelative = (specifier: string): boolean => specifier.startsWith('.');
  const [room = file, wing = null] = file.split('/').slice(0, -1);
  return {
    file,
    room,
    wing,
    imports: unique(
      specifiers
        .filter(isRelative)
        .map((specifier) => path.posix.join(path.posix.dirname(file), specifier)),
    ),
    packages: unique(specifiers.filter((specifier) => !isRelative(specifier))),
    functions: functionsOf(program, source),
    readsEnvironment: environment.test(code) || module.staticImports.some(importsEnvironment),
  };
}

const unique = (names: string[]): string[] => [...new Set(names)];
