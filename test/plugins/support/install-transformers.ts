import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { TransformersModule } from '../../../src/plugins/onnx-embedder/transformers-module.ts';

const version = '4.3.1';
const folder = fileURLToPath(
  new URL(`../../../node_modules/.cache/transformers-${version}`, import.meta.url),
);

/**
 * The library that a user of the plugin installs. Half a gigabyte is too much for everybody's `npm ci`, so that it is
 * installed here, once, beside the project's own packages.
 */
export async function importTransformers(): Promise<TransformersModule> {
  const manifest = path.join(folder, 'node_modules/@huggingface/transformers/package.json');
  const isThere = await access(manifest).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    const words = ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund'];
    await promisify(execFile)('npm', [...words, `@huggingface/transformers@${version}`]);
  }
  const entry = createRequire(manifest).resolve('@huggingface/transformers');
  return import(pathToFileURL(entry.replace(/\.cjs$/, '.mjs')).href);
}
