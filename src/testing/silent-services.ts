import type { KnowledgeSearch } from '../kernel/knowledge-search.ts';
import type { Log } from '../kernel/log.ts';
import type { PluginServices } from '../kernel/plugin.ts';

const ignore = (): void => undefined;

export const silentLog: Log = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  child: () => silentLog,
};

const emptyKnowledge: KnowledgeSearch = { search: async () => [] };

/** The services of a server that has no documents and logs nothing, but for those given. */
export const silentServices = (services: Partial<PluginServices> = {}): PluginServices => ({
  knowledge: emptyKnowledge,
  log: silentLog,
  ...services,
});
