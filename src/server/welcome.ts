import { writeFirstKey } from '../config/first-key-file.ts';
import type { Config } from '../config.ts';
import type { Running } from './start-server.ts';

function modelOf({ services, demo }: Running): readonly string[] {
  const model = services.models.resolve(null);
  // The demo model stands in for Claude alone: another provider's default model answers itself.
  if (!demo || services.models.identityOf(model) !== 'demo') return [model];
  return [
    'the demo model, inside this process: it makes its answers up',
    'For Claude: set ANTHROPIC_API_KEY and start again',
  ];
}

interface WayIn {
  graphiql: readonly string[];
  /** Empty where no key was made. */
  adminKey: readonly string[];
}

/** For a person at a terminal: a new admin key is shown once, here. */
const wayIn = async (running: Running): Promise<WayIn> => ({
  graphiql: [await running.loginLink(), 'signs this browser in as the admin, once'],
  adminKey: running.newAdminKey ? [running.newAdminKey, 'shown this once: keep it'] : [],
});

/** Where the output is a file or a log, which others read and keep: nothing that signs in. */
function wayInWithoutSecrets({ newAdminKey, url }: Running, { database }: Config): WayIn {
  const file = newAdminKey && writeFirstKey(database.dataDir, newAdminKey);
  return {
    graphiql: [`${url}/graphql`, '"npx tessera login" makes a link that signs a browser in'],
    adminKey: file ? [`in ${file}`, 'readable by this user only'] : [],
  };
}

/** The few lines that a person needs who has started the server. */
export async function welcome(
  running: Running,
  { config, isTerminal }: { config: Config; isTerminal: boolean },
): Promise<string> {
  const { url, services, database } = running;
  const way = isTerminal ? await wayIn(running) : wayInWithoutSecrets(running, config);
  const where =
    database.kind === 'embedded' ? `embedded, in ${config.database.dataDir}` : 'PostgreSQL';
  const plugins = services.registry.plugins.map(({ name }) => name).join(', ');
  const entries: [name: string, texts: readonly string[]][] = [
    ['GraphiQL', way.graphiql],
    ['Endpoint', [`${url}/graphql`]],
    ['Model', modelOf(running)],
    ['Database', [where]],
    ['Plugins', [plugins || 'none']],
    ['Admin key', way.adminKey],
  ];
  const lines = entries.flatMap(([name, texts]) =>
    texts.map((text, index) => `  ${(index === 0 ? name : '').padEnd(10)} ${text}`),
  );
  return ['', '  Tessera is ready.', '', ...lines, '', ''].join('\n');
}
