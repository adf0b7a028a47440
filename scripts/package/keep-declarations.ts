import { existsSync } from 'node:fs';
import { glob, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

const relativeImport = /(from |import\(|^import )(['"])(\.{1,2}\/[^'"]+)\.ts\2/gm;

/**
 * A plugin sees nothing of the database's client, whose declarations are 2.5 MB that every user's compiler would read.
 */
const opaque: Record<string, string> = {
  'generated/prisma/client':
    'export declare class PrismaClient { private readonly opaque: never; }\n',
};

/**
 * Removes the declarations that nobody who imports an entry can reach. Resolves with the names of the others, without
 * their endings. Their imports end in `.js`, as every tool understands them.
 */
export async function keepDeclarations(
  dist: string,
  entries: readonly string[],
): Promise<ReadonlySet<string>> {
  const kept = new Set<string>();
  const visit = async (name: string): Promise<void> => {
    if (kept.has(name)) return;
    kept.add(name);
    const file = path.join(dist, `${name}.d.ts`);
    const source = opaque[name] ?? (await readFile(file, 'utf8'));
    await writeFile(file, source.replace(relativeImport, '$1$2$3.js$2'));
    for (const [, , , target] of source.matchAll(relativeImport)) {
      const next = path.join(path.dirname(name), target!);
      if (existsSync(path.join(dist, `${next}.d.ts`))) await visit(next);
    }
  };
  for (const entry of entries) await visit(entry);
  for await (const file of glob('**/*.d.ts', { cwd: dist })) {
    if (!kept.has(file.replace(/\.d\.ts$/, ''))) await rm(path.join(dist, file));
  }
  return kept;
}
