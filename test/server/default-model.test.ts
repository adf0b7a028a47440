import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOpenAiStandIn } from '../model/providers/openai-stand-in.ts';
import { spawnServer } from '../support/server-process.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tessera-model-'));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

const start = (environment: Record<string, string>) =>
  spawnServer({ DATA_DIR: path.join(folder, 'data'), ...environment });

test.each<[string, Record<string, string>, RegExp]>([
  [
    'a name without its prefix, for the demo model',
    { TESSERA_MODEL: 'gpt-4o' },
    /tessera: TESSERA_MODEL: gpt-4o is no model of Claude.*did you mean openai\/gpt-4o\?/,
  ],
  [
    'a name without its prefix, for Claude',
    { TESSERA_MODEL: 'gpt-4o', ANTHROPIC_API_KEY: 'k' },
    /tessera: TESSERA_MODEL: gpt-4o is no model of Claude/,
  ],
  [
    'a model of a provider that is not here',
    { TESSERA_MODEL: 'mistral/large' },
    /tessera: TESSERA_MODEL: This server has no provider for the model "mistral\/large"/,
  ],
  [
    'a model that the demo model does not have',
    { TESSERA_MODEL: 'claude-none-9' },
    /tessera: TESSERA_MODEL: the demo model has no model claude-none-9/,
  ],
])('a server does not start with %s', async (_name, environment, message) => {
  await using server = start(environment);
  expect(await server.exited).toBe(1);
  expect(server.printed()).toMatch(message);
});

test('a server that starts with a model that its provider does not list says so', async () => {
  await using standIn = await startOpenAiStandIn();
  await using server = start({
    TESSERA_MODEL: 'openai/gpt-nope',
    OPENAI_BASE_URL: standIn.url,
  });
  await server.prints(/Endpoint/);
  await server.prints(
    /"model":"openai\/gpt-nope".*TESSERA_MODEL: its provider lists no such model/,
  );
});
