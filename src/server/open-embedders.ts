import type { Config } from '../config.ts';
import type { Embedder } from '../kernel/embedder.ts';
import type { Registry } from '../kernel/registry/registry.ts';
import { StartupError } from '../kernel/startup-error.ts';
import { createOpenAIEmbedder } from '../knowledge/embedders/openai-embedder.ts';
import { createVoyageEmbedder } from '../knowledge/embedders/voyage-embedder.ts';

const builtIn = 'hash-512';

/**
 * The embedders that this server knows besides the built-in one, and the one of collections made from now on.
 * TESSERA_EMBEDDER names that one, and after it, separated by commas, those that other collections still have or are to
 * have: "hash-512", the name of a plugin's, "voyage/MODEL" or "openai/MODEL", the last two with ":DIMENSIONS" where they
 * are not the model's own. Throws a `StartupError` that says what is missing.
 */
export function openEmbedders(
  config: Config,
  registry: Registry,
): { embedders: Embedder[]; defaultEmbedder: string } {
  const names = (config.embedder ?? builtIn).split(',').map((name) => name.trim());
  const hosted = new Map<string, Embedder>();
  const known = names.map((name) => {
    const embedder = hostedEmbedder(name, config);
    if (embedder) hosted.set(embedder.name, embedder);
    else if (name !== builtIn && !registry.embedders.has(name))
      throw noSuchEmbedder(name, registry);
    return embedder?.name ?? name;
  });
  return {
    embedders: [...registry.embedders.values(), ...hosted.values()],
    defaultEmbedder: known[0]!,
  };
}

function noSuchEmbedder(name: string, registry: Registry): StartupError {
  const known = [builtIn, ...registry.embedders.keys(), 'voyage/MODEL', 'openai/MODEL'];
  return new StartupError([
    `TESSERA_EMBEDDER: there is no embedder "${name}"; there are ${known.join(', ')}`,
  ]);
}

function hostedEmbedder(name: string, { voyage, openai }: Config): Embedder | null {
  const parts = /^(voyage|openai)\/([^:]+)(?::(\d+))?$/.exec(name);
  if (!parts) return null;
  const [, service, model = '', size] = parts;
  const choice = { model, ...(size === undefined ? {} : { dimensions: Number(size) }) };
  if (service === 'voyage') {
    if (voyage.apiKey) return createVoyageEmbedder({ ...choice, apiKey: voyage.apiKey });
    throw new StartupError(['TESSERA_EMBEDDER is one of Voyage: set VOYAGE_API_KEY as well']);
  }
  const { apiKey, baseUrl } = openai;
  if (!apiKey && !baseUrl) {
    throw new StartupError(['TESSERA_EMBEDDER needs OPENAI_API_KEY or OPENAI_BASE_URL as well']);
  }
  return createOpenAIEmbedder({ ...choice, apiKey, ...(baseUrl ? { baseUrl } : {}) });
}
