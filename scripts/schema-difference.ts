import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlDriverAdapter,
} from '@prisma/driver-adapter-utils';
import type { DiffTarget, MigrationList, SchemaEngine } from '@prisma/schema-engine-wasm';
import { openSchemaAdapter } from './schema-adapter.ts';

export const migrationsFolder = fileURLToPath(new URL('../prisma/migrations', import.meta.url));
const schemaFile = fileURLToPath(new URL('../prisma/schema.prisma', import.meta.url));
const filters = { externalTables: [], externalEnums: [] };

/**
 * Difference between schema.prisma and the migrations, in words or as SQL; null if there is none. Things that a
 * schema can't say (functions, partial indexes, storage) are no difference. The engine leaves a timer of 10 s running.
 */
export async function schemaDifference(form: 'words' | 'sql'): Promise<string | null> {
  const content = await readFile(schemaFile, 'utf8');
  const opened: SqlDriverAdapter[] = [];
  const open = async (): Promise<SqlDriverAdapter> => {
    const adapter = await openSchemaAdapter();
    opened.push(adapter);
    return adapter;
  };
  const { SchemaEngine } = await loadEngine();
  const engine = await SchemaEngine.new(
    { datamodels: [[schemaFile, content]] },
    () => undefined,
    bindMigrationAwareSqlAdapterFactory({
      provider: 'postgres',
      adapterName: '@prisma/adapter-pg',
      connect: open,
      connectToShadowDb: open,
    }),
  );
  try {
    const from: DiffTarget = { tag: 'migrations', ...(await listMigrations()) };
    const to: DiffTarget = { tag: 'schemaDatamodel', files: [{ path: schemaFile, content }] };
    const difference = await engine.diff({
      from,
      to,
      script: form === 'sql',
      exitCode: true,
      filters,
    });
    return difference.exitCode === 0 ? null : (difference.stdout ?? '');
  } finally {
    engine.free();
    for (const adapter of opened) await adapter.dispose();
  }
}

/** Types that TypeScript's libraries for Node lack. */
interface WebAssemblyGlobal {
  instantiate(
    bytes: Uint8Array,
    imports: Record<string, object>,
  ): Promise<{ instance: { exports: object } }>;
}

/** The package's own entry imports its WebAssembly as a module, which Node does only with a flag. */
async function loadEngine(): Promise<{ SchemaEngine: typeof SchemaEngine }> {
  const runtime = await import('@prisma/schema-engine-wasm/schema_engine_bg');
  const webAssembly: WebAssemblyGlobal = Reflect.get(globalThis as object, 'WebAssembly');
  const file = new URL('schema_engine_bg.wasm', import.meta.resolve('@prisma/schema-engine-wasm'));
  const { instance } = await webAssembly.instantiate(await readFile(file), {
    './schema_engine_bg.js': runtime,
  });
  Reflect.get(runtime, '__wbg_set_wasm')(instance.exports);
  Reflect.get(instance.exports, '__wbindgen_start')();
  return runtime;
}

async function listMigrations(): Promise<MigrationList> {
  const entries = await readdir(migrationsFolder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return {
    baseDir: migrationsFolder,
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(
      names.sort().map(async (name) => ({
        path: name,
        migrationFile: {
          path: 'migration.sql',
          content: {
            tag: 'ok' as const,
            value: await readFile(path.join(migrationsFolder, name, 'migration.sql'), 'utf8'),
          },
        },
      })),
    ),
  };
}
