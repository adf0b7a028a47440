import { defineConfig } from 'prisma/config';

// `generate`, `validate` and `format` never run the native schema engine, but the CLI downloads it first
// unless this variable names an existing file. Commands that need the real engine are left alone.
if (['generate', 'validate', 'format'].includes(process.argv[2] ?? '')) {
  process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= process.execPath;
}

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
});
