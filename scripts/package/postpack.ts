// After `npm pack` and `npm publish`: the checkout has its package.json again.
import { restoreManifest } from './kept-manifest.ts';

await restoreManifest();
