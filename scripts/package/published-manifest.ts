import { readFile } from 'node:fs/promises';
import { vendored } from './vendor.ts';

const manifestFile = new URL('../../package.json', import.meta.url);

/** A package.json, as far as the package is concerned. */
export interface Manifest {
  bin: Record<string, string>;
  exports: Record<string, string | { types: string; default: string }>;
  dependencies: Record<string, string>;
  peerDependencies?: Record<string, string>;
  [other: string]: unknown;
}

/** For those who work on it. */
const ofTheCheckout = ['scripts', 'devDependencies', 'optionalDependencies', 'allowScripts'];

const built = (source: string): string =>
  source.replace(/^\.?\/?(src\/)?(.*)\.ts$/, (_, _src, name: string) => `./dist/${name}.js`);

/** The package.json of the package: it runs what `npm run build` has made, and brings no Node along. */
export async function publishedManifest(source: string | undefined = undefined): Promise<Manifest> {
  const manifest = JSON.parse(source ?? (await readFile(manifestFile, 'utf8'))) as Manifest;
  const { bin, exports, dependencies, ...rest } = manifest;
  for (const name of ofTheCheckout) delete rest[name];
  const runtime = { '@prisma/client-runtime-utils': dependencies['@prisma/client']! };
  return {
    ...rest,
    bin: Object.fromEntries(Object.entries(bin).map(([name, file]) => [name, built(file)])),
    exports: Object.fromEntries(
      Object.entries(exports).map(([name, file]) => [name, entryOf(String(file))]),
    ),
    dependencies: Object.fromEntries(
      Object.entries({ ...dependencies, ...runtime })
        .filter(([name]) => !vendored.includes(name))
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  };
}

function entryOf(file: string): string | { types: string; default: string } {
  if (!file.endsWith('.ts')) return file;
  const module = built(file);
  return { types: module.replace(/js$/, 'd.ts'), default: module };
}
