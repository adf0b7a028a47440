import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { silentServices } from '../../src/testing/silent-services.ts';
import config from '../../tessera.config.ts';
import { binary, linkedProject } from './support/linked-project.ts';

const page = await readFile(new URL('../../docs/plugins.md', import.meta.url), 'utf8');

/** The code blocks that begin with the name of their file. */
const files = Object.fromEntries(
  [...page.matchAll(/^```(?:ts|json)\n\/\/ (\S+)\n([\s\S]*?)^```$/gm)].map(([, name, code]) => [
    name as string,
    code as string,
  ]),
);
const blocks = page.match(/^```\w+$/gm) ?? [];

const check = `
  import { checkPlugin } from 'tessera/testing';
  import config from './tessera.config.ts';
  const problems = [];
  for (const plugin of config.plugins) {
    const beside = config.plugins.filter((other) => other !== plugin);
    problems.push(...(await checkPlugin(plugin, { beside })));
  }
  console.log(JSON.stringify({ plugins: config.plugins.map(({ name }) => name), problems }));
`;

const scaffold = fileURLToPath(new URL('../../scripts/new-plugin.ts', import.meta.url));

test('the code of docs/plugins.md and of plugin:new type-checks, loads and passes its tests', {
  timeout: 120_000,
}, async () => {
  expect(Object.keys(files)).toHaveLength(blocks.length);
  await using project = await linkedProject({ ...files, 'check.mjs': check });
  const node = (...options: string[]) => project.run(process.execPath, ...options);
  expect(await node(scaffold, 'word-count')).toMatchObject({
    failed: null,
    output: expect.stringContaining(
      "import { wordCount } from './plugins/word-count/word-count.ts'",
    ),
  });
  expect(await project.run(binary('tsc'), '--project', '.')).toEqual({ output: '', failed: null });
  expect(JSON.parse((await node('check.mjs')).output)).toEqual({
    plugins: expect.arrayContaining(['dice', 'letters', 'audit', 'researcher']),
    problems: [],
  });
  const tests = ['dice.test.ts', 'server.test.ts', 'plugins/word-count/word-count.test.ts'];
  expect(await node('--test', ...tests)).toMatchObject({
    failed: null,
    output: expect.stringMatching(/pass 7\n/),
  });
});

test('plugin:new refuses a bad name, and to overwrite', async () => {
  await using project = await linkedProject({ 'plugins/taken/taken.ts': '' });
  const run = (name: string) => project.run(process.execPath, scaffold, name);
  expect(await run('Word Count')).toMatchObject({
    failed: 1,
    output: expect.stringMatching(/^usage/),
  });
  for (const word of ['class', 'new', 'await']) {
    expect(await run(word)).toEqual({
      failed: 1,
      output: `"${word}" is a word of the language: choose another name, like "my-${word}".\n`,
    });
  }
  expect(await run('taken')).toEqual({
    failed: 1,
    output: 'There is a folder plugins/taken already.\n',
  });
});

test('docs/plugins.md names every built-in prompt, tool and agent', async () => {
  const services = silentServices();
  for (const plugin of config.plugins) {
    const { tools = [], prompts = [], agents = [] } = await plugin.setup(services);
    for (const { name } of [...tools, ...prompts, ...agents]) expect(page).toContain(`\`${name}`);
  }
});
