import { readFile, writeFile } from 'node:fs/promises';
import { withAccessTables } from './access-tables.ts';
import { builtInSchema, printBuiltInSchema } from './built-in-schema.ts';

const accessPage = new URL('../docs/access.md', import.meta.url);

await writeFile(new URL('../schema.graphql', import.meta.url), await printBuiltInSchema());
const page = await readFile(accessPage, 'utf8');
await writeFile(accessPage, withAccessTables(page, await builtInSchema()));
