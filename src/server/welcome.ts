import type { Config } from '../config.ts';
import type { Running } from './start-server.ts';

/** The few lines that a person at the terminal needs. A new admin key is in them once, and nowhere else ever. */
export function welcome(running: Running, config: Config): string {
  const { url, services, database, demo, newAdminKey } = running;
  const model = demo
    ? [
        'the demo model, inside this process: it makes its answers up',
        'For Claude: set ANTHROPIC_API_KEY and start again',
      ]
    : [services.models.resolve(null)];
  const where =
    database.kind === 'embedded' ? `embedded, in ${config.database.dataDir}` : 'PostgreSQL';
  const plugins = services.registry.plugins.map(({ name }) => name).join(', ');
  const entries: [string, string[]][] = [
    ['GraphiQL', [running.loginLink(), 'signs this browser in as the admin, once']],
    ['Endpoint', [`${url}/graphql`]],
    ['Model', model],
    ['Database', [where]],
    ['Plugins', [plugins || 'none']],
    ...(newAdminKey
      ? [['Admin key', [newAdminKey, 'shown this once: keep it']] as [string, string[]]]
      : []),
  ];
  const lines = entries.flatMap(([name, texts]) =>
    texts.map((text, index) => `  ${(index === 0 ? name : '').padEnd(10)} ${text}`),
  );
  return ['', '  Tessera is ready.', '', ...lines, '', ''].join('\n');
}
