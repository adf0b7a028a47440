import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { parseSync } from 'oxc-parser';
import { publishedManifest } from './published-manifest.ts';

/** What compiled files import and an installed package would not have, a line each. */
export async function checkImports(dist: string): Promise<string[]> {
  const { dependencies, peerDependencies = {} } = await publishedManifest();
  const installed = new Set([...Object.keys(dependencies), ...Object.keys(peerDependencies)]);
  const problems: string[] = [];
  for await (const file of glob('**/*.{js,mjs,d.ts}', { cwd: dist })) {
    const { module } = parseSync(file, await readFile(path.join(dist, file), 'utf8'));
    const specifiers = [
      ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
      ...module.staticExports.flatMap(({ entries }) =>
        entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
      ),
    ];
    for (const specifier of specifiers) {
      if (specifier.startsWith('.')) {
        const target = path.join(dist, path.dirname(file), specifier);
        const declared = target.replace(/\.js$/, '.d.ts');
        const found = file.endsWith('.d.ts') ? existsSync(declared) : existsSync(target);
        if (!found && !existsSync(target))
          problems.push(`${file} imports ${specifier}, which is not there`);
        continue;
      }
      const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
      const isBuiltIn = specifier.startsWith('node:') || builtinModules.includes(specifier);
      if (!isBuiltIn && !installed.has(name))
        problems.push(`${file} imports ${specifier}, which is no dependency of the package`);
    }
  }
  return problems;
}
