import { writeFile } from 'node:fs/promises';
import { printBuiltInSchema } from './built-in-schema.ts';

await writeFile(new URL('../schema.graphql', import.meta.url), await printBuiltInSchema());
