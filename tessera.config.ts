/** The plugins of a server that is started in this folder. */
export { default } from './src/default-config.ts';
