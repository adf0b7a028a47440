/** Tools for testing plugins, with any test runner: `import { checkPlugin } from 'tessera/testing'`. */
export { type CalledTool, type CallToolOptions, callTool } from './testing/call-tool.ts';
export { type CheckPluginOptions, checkPlugin } from './testing/check-plugin.ts';
export type { LoggedLine } from './testing/recording-log.ts';
export {
  type PluginServer,
  type PluginServerOptions,
  startPluginServer,
} from './testing/start-plugin-server.ts';
export { type TryPromptOptions, tryPrompt } from './testing/try-prompt.ts';
