import { PGlite } from '@electric-sql/pglite';

// A program: makes the embedded database's files in the folder that it is given. Its last line says why it could not.

const [folder] = process.argv.slice(2);
try {
  const database = await PGlite.create({ dataDir: folder! });
  await database.close();
} catch (error) {
  process.stderr.write(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
