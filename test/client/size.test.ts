import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Rollup } from 'vite';
import { expect, test } from 'vitest';

test('the client and graphql-ws are at most 8 KB together, compressed', async () => {
  const entry = fileURLToPath(new URL('../../client/create-client.ts', import.meta.url));
  const output = (await build({
    configFile: false,
    logLevel: 'silent',
    // As an application's own build does it: Vite leaves the white space of a library.
    build: { rolldownOptions: { input: entry, preserveEntrySignatures: 'strict' }, write: false },
  })) as Rollup.RollupOutput;
  const code = output.output.map((part) => ('code' in part ? part.code : '')).join('');
  expect(code).toContain('graphql-transport-ws');
  expect(code).not.toMatch(/^\s*import\b/m);
  expect(gzipSync(code).length).toBeLessThanOrEqual(8_192);
  console.log(`client: ${gzipSync(code).length} bytes compressed`);
});
