// npm run plugin:new NAME: writes a plugin with its test into plugins/NAME of the present folder.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { camelCase, isKebabCase } from '../src/kernel/registry/names.ts';

const snake = (name: string): string => name.replaceAll('-', '_');
const identifier = (name: string): string => camelCase(snake(name));

const pluginText = (
  name: string,
): string => `import { definePlugin, definePrompt, defineTool, z } from 'tessera';

const countWords = defineTool({
  name: '${snake(name)}_count',
  description: 'Counts the words of a text. (Say when the model should use it.)',
  input: z.object({ text: z.string().describe('The text whose words to count.') }),
  output: z.object({ words: z.int() }),
  idempotent: true,
  run: ({ text }) => ({ words: text.split(/\\s+/).filter(Boolean).length }),
});

const rewrite = definePrompt({
  name: '${snake(name)}_rewrite',
  description: 'Rewrites a text in a tone.',
  variables: z.object({
    text: z.string().min(1).describe('The text to rewrite.'),
    tone: z.enum(['plain', 'warm']).default('plain'),
  }),
  template: \`Rewrite the text in a {{ tone }} tone.

<text>
{{ text }}
</text>\`,
});

export const ${identifier(name)} = definePlugin({
  name: '${name}',
  version: '0.1.0',
  description: 'What it is for, in a sentence.',
  options: z.object({}),
  setup: () => ({ tools: [countWords], prompts: [rewrite] }),
});
`;

const testText = (name: string): string => `import { deepEqual, match } from 'node:assert/strict';
import { test } from 'node:test';
import { callTool, checkPlugin, tryPrompt } from 'tessera/testing';
import { ${identifier(name)} } from './${name}.ts';

test('keeps the contract of plugins', async () => {
  deepEqual(await checkPlugin(${identifier(name)}()), []);
});

test('counts words', async () => {
  const call = { tool: '${snake(name)}_count', input: { text: ' two  words ' } };
  deepEqual((await callTool(${identifier(name)}(), call)).output, { words: 2 });
});

test('says the tone', async () => {
  const prompt = { prompt: '${snake(name)}_rewrite', variables: { text: 'Go.', tone: 'warm' } };
  match((await tryPrompt(${identifier(name)}(), prompt)).text, /in a warm tone/);
});
`;

async function writePlugin(name: string): Promise<string> {
  const folder = join(process.cwd(), 'plugins', name);
  await mkdir(join(process.cwd(), 'plugins'), { recursive: true });
  await mkdir(folder);
  await writeFile(join(folder, `${name}.ts`), pluginText(name));
  await writeFile(join(folder, `${name}.test.ts`), testText(name));
  return `Wrote plugins/${name}/${name}.ts and its test. Next:
  1. list it in tessera.config.ts:
       import { ${identifier(name)} } from './plugins/${name}/${name}.ts';
       … plugins: [ …, ${identifier(name)}() ]
  2. run its test: npx node --test plugins/${name}/${name}.test.ts`;
}

function complaint(error: unknown, name: string): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'EEXIST' ? `There is a folder plugins/${name} already.` : String(error);
}

/** Whether a variable of a module can have the name. `class` and `new` cannot be names, nor can `await`. */
function isIdentifier(text: string): boolean {
  try {
    // A function that awaits in strict mode takes what a module takes.
    new Function(`'use strict'; (async () => { const ${text} = 0; })`);
    return true;
  } catch {
    return false;
  }
}

const [name = ''] = process.argv.slice(2);
if (isKebabCase(name) && !isIdentifier(identifier(name))) {
  console.error(`"${name}" is a word of the language: choose another name, like "my-${name}".`);
  process.exitCode = 1;
} else if (isKebabCase(name)) {
  try {
    console.log(await writePlugin(name));
  } catch (error) {
    console.error(complaint(error, name));
    process.exitCode = 1;
  }
} else {
  console.error('usage: npm run plugin:new NAME, in lower kebab-case like "word-count"');
  process.exitCode = 1;
}
