import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A project beside the checkout, with `tessera` in its node_modules as `npm link` leaves it. */
async function project(files: Record<string, string>) {
  const directory = await mkdtemp(join(tmpdir(), 'tessera-project-'));
  await mkdir(join(directory, 'node_modules'));
  await symlink(root, join(directory, 'node_modules', 'tessera'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  return {
    directory,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Loads the config in a Node of its own, as the server does: no bundler and no test runner in between. */
async function load(directory: string, path?: string): Promise<unknown> {
  const script = `
    import { loadConfig } from ${JSON.stringify(join(root, 'src/server/load-config.ts'))};
    const result = await loadConfig(${JSON.stringify(path)}).then(
      async ({ file, config }) => {
        const log = { child: () => log };
        const plugins = [];
        for (const plugin of config.plugins) {
          plugins.push([plugin.name, (await plugin.setup({ log })).tools?.map((tool) => tool.name)]);
        }
        return { file, plugins };
      },
      (error) => ({ name: error.name, problems: error.problems }),
    );
    console.log(JSON.stringify(result));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', script],
    { cwd: directory },
  );
  return JSON.parse(stdout);
}

const config = `
  import { defineConfig, definePlugin, defineTool, z, type ToolContext } from 'tessera';
  import { shout } from './shout.ts';
  const tool = defineTool({
    name: 'shout',
    description: 'Shouts.',
    input: z.object({ text: z.string() }),
    output: z.string(),
    run: ({ text }, _context: ToolContext) => shout(text),
  });
  const shouting = definePlugin({ name: 'shouting', version: '1.0.0', setup: () => ({ tools: [tool] }) });
  export default defineConfig({ plugins: [shouting()] });
`;
const shout = 'export const shout = (text: string): string => text.toUpperCase();';

test('loads a project of its own that imports tessera, without a build', async () => {
  await using own = await project({ 'tessera.config.ts': config, 'shout.ts': shout });
  expect(await load(own.directory)).toEqual({
    file: join(own.directory, 'tessera.config.ts'),
    plugins: [['shouting', ['shout']]],
  });
});

test('takes another file by its path, relative to the working directory', async () => {
  await using own = await project({ 'plugins.ts': config, 'shout.ts': shout });
  expect(await load(own.directory, 'plugins.ts')).toMatchObject({
    file: join(own.directory, 'plugins.ts'),
  });
});

test("falls back to the package's own list", async () => {
  await using own = await project({});
  expect(await load(own.directory)).toMatchObject({ file: join(root, 'src/default-config.ts') });
});

describe('in a folder of CommonJS, as npm init makes it', () => {
  const packageJson = '{ "type": "commonjs" }';
  const asModule = config.replace('./shout.ts', './shout.mts');

  test('a name in .mts is a module', async () => {
    const files = { 'package.json': packageJson, 'shout.mts': shout };
    await using own = await project({ ...files, 'tessera.config.mts': asModule });
    const file = join(own.directory, 'tessera.config.mts');
    expect(await load(own.directory)).toEqual({ file, plugins: [['shouting', ['shout']]] });
    expect(await load(own.directory, 'tessera.config.mts')).toMatchObject({ file });
  });

  test.for([config, 'export default 1;'])('any other name is told what to do: %j', async (text) => {
    await using own = await project({ 'package.json': packageJson, 'tessera.config.ts': text });
    const problem = /at \/.*tessera.config.ts:\d: .*"type": "module".*tessera.config.mts/;
    expect(await load(own.directory)).toMatchObject({
      problems: [expect.stringMatching(problem)],
    });
  });
});

test.for([
  ['gone.ts', null, /^there is no configuration file \/.*gone\.ts: write one/],
  ['a.ts', 'export const plugins = [];', /a\.ts has no default export: end it with/],
  ['b.ts', 'export default { plugins: [] };', /b\.ts is not what defineConfig/],
  [
    'c.ts',
    "import { defineConfig } from 'tessera';\nexport default defineConfig([]);",
    /c\.ts is not what defineConfig/,
  ],
  [
    'd.ts',
    'export const a = 1;\nconst b: number = = 2;',
    /d\.ts cannot be read as TypeScript at \/.*d\.ts:2: Expression expected/,
  ],
  [
    'e.ts',
    'enum Level { Low }\nexport default Level;',
    /e\.ts cannot be read as TypeScript at \/.*e\.ts:1: TypeScript enum is not supported/,
  ],
  [
    'f.ts',
    "import './missing.ts';\nexport default 1;",
    /f\.ts cannot be loaded: Cannot find module '.*missing\.ts'/,
  ],
  ['g.ts', "\n\nthrow new Error('no key');", /g\.ts cannot be loaded at \/.*g\.ts:3:7: no key/],
] as const)('says what is wrong with %s', async ([name, text, problem]) => {
  await using own = await project(text === null ? {} : { [name]: text });
  expect(await load(own.directory, name)).toEqual({
    name: 'StartupError',
    problems: [expect.stringMatching(problem)],
  });
});
