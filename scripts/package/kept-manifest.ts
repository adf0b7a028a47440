import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';

export const manifest = new URL('../../package.json', import.meta.url);
/** The checkout's own, while the package's is in its place. */
export const keptManifest = new URL(
  '../../node_modules/.cache/checkout-package.json',
  import.meta.url,
);

/** Also after a pack that was cut short. */
export async function restoreManifest(): Promise<void> {
  if (existsSync(keptManifest)) await rename(keptManifest, manifest);
}
