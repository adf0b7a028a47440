import { defineConfig } from '../../src/tessera.ts';
import { shop } from './shop.ts';

export default defineConfig({ plugins: [shop()] });
