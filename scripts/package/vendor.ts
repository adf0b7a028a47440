import { copyFile, glob, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * Single files of packages that are otherwise not needed: the package holds them itself.
 * - Prisma's client has 73 MB of engines for five databases, of which this is one.
 * - mathjs has 18 MB of sources beside the bundle that the calculator reads.
 */
const files = [
  {
    from: '@prisma/client/runtime',
    names: [
      'client.mjs',
      'query_compiler_fast_bg.postgresql.mjs',
      'query_compiler_fast_bg.postgresql.wasm-base64.mjs',
    ],
    to: 'generated/prisma/runtime',
    licence: '@prisma/client/LICENSE',
  },
  {
    from: 'mathjs/lib/browser',
    names: ['math.js'],
    to: 'plugins/calculator/mathjs',
    licence: 'mathjs/LICENSE',
  },
] as const;

/** In compiled files: what names the package, and what names its file here, relative to `dist`. */
const specifiers: Record<string, string> = {
  '@prisma/client/runtime/client': 'generated/prisma/runtime/client.mjs',
  '@prisma/client/runtime/query_compiler_fast_bg.postgresql.mjs':
    'generated/prisma/runtime/query_compiler_fast_bg.postgresql.mjs',
  '@prisma/client/runtime/query_compiler_fast_bg.postgresql.wasm-base64.mjs':
    'generated/prisma/runtime/query_compiler_fast_bg.postgresql.wasm-base64.mjs',
  'mathjs/lib/browser/math.js': 'plugins/calculator/mathjs/math.cjs',
};

/** Dependencies of a checkout that the package does without. */
export const vendored = ['@prisma/client', 'mathjs'];

/** Copies the files into `dist`, and makes what is compiled there refer to them. */
export async function vendor(root: string): Promise<void> {
  const dist = path.join(root, 'dist');
  for (const { from, names, to, licence } of files) {
    await mkdir(path.join(dist, to), { recursive: true });
    for (const name of names) {
      // The package's type is "module".
      const target = name.endsWith('.js') ? name.replace(/js$/, 'cjs') : name;
      const source = path.join(root, 'node_modules', from, name);
      await copyFile(source, path.join(dist, to, target));
    }
    await copyFile(path.join(root, 'node_modules', licence), path.join(dist, to, 'LICENSE'));
  }
  const unused = new Set(Object.keys(specifiers));
  for await (const file of glob('**/*.js', { cwd: dist })) {
    const source = await readFile(path.join(dist, file), 'utf8');
    const changed = Object.entries(specifiers).reduce((text, [specifier, target]) => {
      const here = path.relative(path.dirname(file), target);
      const module = here.startsWith('.') ? here : `./${here}`;
      const replaced = text
        .replaceAll(`'${specifier}'`, `'${module}'`)
        .replaceAll(`"${specifier}"`, `"${module}"`);
      if (replaced !== text) unused.delete(specifier);
      return replaced;
    }, source);
    if (changed !== source) await writeFile(path.join(dist, file), changed);
  }
  if (unused.size > 0) throw new Error(`nothing imports ${[...unused].join(', ')} any more`);
}
