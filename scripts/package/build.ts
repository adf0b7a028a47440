// npm run build: what the package holds, in dist: JavaScript with source maps, and the declarations of its entries. A
// checkout runs without it.
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { checkImports } from './check-imports.ts';
import { compile } from './compile.ts';
import { keepDeclarations } from './keep-declarations.ts';
import { vendor } from './vendor.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** What `exports` of the package names. */
const entries = ['tessera', 'testing', 'client/create-client', 'client/react'];

await rm(`${root}/dist`, { recursive: true, force: true });
const objections = [
  ...(await compile('scripts/package/tsconfig.src.json', root)),
  ...(await compile('scripts/package/tsconfig.client.json', root)),
];
const kept = await keepDeclarations(`${root}/dist`, entries);
await vendor(root);
const problems = [
  ...objections.filter(({ file }) => kept.has(file.replace(/^src\//, ''))).map(({ line }) => line),
  ...(await checkImports(`${root}/dist`)),
];
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
