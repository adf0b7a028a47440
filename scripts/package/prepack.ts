// Before `npm pack` and `npm publish`: builds, and puts the package's own package.json in place of the checkout's.
import { spawnSync } from 'node:child_process';
import { copyFile, writeFile } from 'node:fs/promises';
import { keptManifest, manifest, restoreManifest } from './kept-manifest.ts';
import { publishedManifest } from './published-manifest.ts';

await restoreManifest();
const { status } = spawnSync('npm', ['run', '--silent', 'build'], { stdio: ['ignore', 2, 2] });
if (status !== 0) throw new Error('the package was not built');
await copyFile(manifest, keptManifest);
await writeFile(manifest, `${JSON.stringify(await publishedManifest(), null, 2)}\n`);
