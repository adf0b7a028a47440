import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';
import { type CliOutcome, createFolder, type Folder, runCli } from '../support/run-cli.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

type Run = (command: 'pull' | 'push', ...options: string[]) => Promise<CliOutcome>;

interface Workspace extends AsyncDisposable {
  folder: Folder;
  run: Run;
  read(name: string): Promise<string>;
  edit(name: string, before: string | RegExp, after: string): Promise<void>;
}

async function pulled(): Promise<Workspace> {
  const folder = await createFolder({});
  const prompts = join(folder.path, 'prompts');
  const run: Run = (command, ...options) =>
    runCli(['prompts', command, prompts, ...options], { cwd: folder.path, server });
  expect(await run('pull')).toMatchObject({ code: 0, progress: '' });
  const at = (name: string): string => join(folder.path, 'prompts', `${name}.md`);
  const read = (name: string): Promise<string> => readFile(at(name), 'utf8');
  return {
    folder,
    run,
    read,
    edit: async (name, before, after) => {
      const text = await read(name);
      expect(text).toMatch(before);
      await writeFile(at(name), text.replace(before, after));
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

interface Prompt {
  versions: { edges: { node: { number: number; template: string; maxTokens: number | null } }[] };
  labels: { name: string; version: { number: number } }[];
}

async function promptOf(
  name: string,
): Promise<{ numbers: number[]; labels: object; newest: object }> {
  const { prompt } = await server.data<{ prompt: Prompt }>(
    `query ($name: String!) { prompt(name: $name) {
      versions { edges { node { number template maxTokens system notes model } } }
      labels { name version { number } } } }`,
    { name },
  );
  const versions = prompt.versions.edges.map(({ node }) => node);
  return {
    numbers: versions.map(({ number }) => number),
    labels: Object.fromEntries(prompt.labels.map((label) => [label.name, label.version.number])),
    newest: versions[0] ?? {},
  };
}

test('pulls what production says, and pushes nothing that is the same', async () => {
  await using workspace = await pulled();
  const { folder, run, read } = workspace;
  expect((await readdir(join(folder.path, 'prompts'))).sort()).toEqual([
    'chain_of_thought.md',
    'classify_sentiment.md',
    'few_shot.md',
    'rag_qa.md',
    'rate_passages.md',
    'summarization.md',
  ]);
  expect(await read('summarization')).toMatch(
    /^---\nprompt: summarization\nversion: 1\n(\w[\s\S]*)?---\n[\s\S]*\{\{ text/,
  );
  const push = await run('push', '--label', 'production');
  expect(push.code).toBe(0);
  expect(push.output.match(/: is version 1$/gm)).toHaveLength(6);
  expect((await run('pull')).output.match(/as before$/gm)).toHaveLength(6);
  // As a checkout on Windows has it.
  await workspace.edit('rag_qa', /\n/g, '\r\n');
  expect((await run('push')).output).toContain('rag_qa.md: is version 1\n');
  expect((await promptOf('rag_qa')).numbers).toEqual([1]);
});

test('pushes an edit as a version, then moves a label to it', async () => {
  await using workspace = await pulled();
  const { run, edit, read } = workspace;
  await edit(
    'summarization',
    /\nversion: 1\n/,
    '\nversion: 1\nmaxTokens: 77\nnotes: "Short: please"\n',
  );
  await edit('summarization', /\n$/, ' Be brief.\n\n\n');
  const dry = await run('push', '--label', 'staging', '--dry-run');
  expect(dry.output).toContain(
    'summarization.md: would be published as a new version, "staging" would move to it\n',
  );
  expect(await promptOf('summarization')).toMatchObject({
    numbers: [1],
    labels: { production: 1 },
  });

  const pushed = await run('push');
  expect(pushed).toMatchObject({ code: 0 });
  expect(pushed.output).toContain('summarization.md: published as version 2\n');
  expect(await promptOf('summarization')).toMatchObject({
    numbers: [2, 1],
    labels: { production: 1 },
    newest: {
      maxTokens: 77,
      notes: 'Short: please',
      template: expect.stringMatching(/ Be brief\.\n\n$/),
    },
  });
  expect((await run('push')).output).toContain('summarization.md: is version 2\n');
  expect((await run('push', '--label', 'production')).output).toContain(
    'summarization.md: is version 2, "production" moved to it\n',
  );
  expect(await promptOf('summarization')).toMatchObject({
    numbers: [2, 1],
    labels: { production: 2 },
  });
  expect(await read('summarization')).toContain('\nversion: 2\n');
  expect((await run('pull')).output.match(/as before$/gm)).toHaveLength(6);
  const other = await run('pull', '--label', 'nowhere');
  expect(other.output.match(/: has no label "nowhere"$/gm)).toHaveLength(6);
});

test('does not publish over what somebody else has deployed, unless told to', async () => {
  await using mine = await pulled();
  await using theirs = await pulled();
  await theirs.edit('few_shot', /\n$/, ' Theirs.\n');
  await theirs.run('push', '--label', 'production');
  await mine.edit('few_shot', /\n$/, ' Mine.\n');
  const refused = await mine.run('push');
  expect(refused.code).toBe(1);
  expect(refused.output).toContain(
    'few_shot.md: was pulled at version 1, but "production" is at version 2 (by admin): pull again, or push with --force\n',
  );
  expect((await mine.run('push', '--force')).output).toContain('published as version 3');
  expect(await promptOf('few_shot')).toMatchObject({
    numbers: [3, 2, 1],
    labels: { production: 2 },
  });
});

test('does not undo a rollback, unless told to', async () => {
  await using workspace = await pulled();
  const { run, edit } = workspace;
  await edit('summarization', /\n$/, ' Bad idea.\n');
  await run('push', '--label', 'live');
  const { numbers } = await promptOf('summarization');
  const rollback = `mutation { setPromptLabel(input: { prompt: "summarization", label: "live", version: 1 }) { __typename } }`;
  await server.data(rollback);
  const refused = await run('push', '--label', 'live');
  expect(refused.code).toBe(1);
  expect(refused.output).toContain(
    `summarization.md: was pulled at version ${numbers[0]}, but "live" is at version 1 (by plugin:summarization): pull again, or push with --force\n`,
  );
  expect((await promptOf('summarization')).labels).toMatchObject({ live: 1 });
  expect((await run('push', '--label', 'live', '--force')).output).toContain('"live" moved to it');
});

test('names the line of a file that the server refuses; the other files are pushed', async () => {
  await using workspace = await pulled();
  const { folder, run, edit, read } = workspace;
  await edit('rag_qa', /\n$/, '\nAnd {{ colour }}.\n');
  const line = (await read('rag_qa')).split('\n').indexOf('And {{ colour }}.') + 1;
  await edit('chain_of_thought', /\n$/, ' Take your time.\n');
  await folder.write(
    'prompts/classify_sentiment.md',
    '---\nprompt: classify_sentiment\nsystem: |\n  One.\n  {{ two }}\n---\n{{ text }}\n',
  );
  await folder.write('prompts/unknown.md', '---\nprompt: unknown\n---\nHi.\n');
  await folder.write('prompts/wrong.md', '---\nprompt: rag_qa\ntemprature: 1\n---\nHi.\n');
  await folder.write('prompts/bare.md', 'Hi.\n');
  const { code, output } = await run('push');
  expect(code).toBe(1);
  const lines = output.split('\n').map((text) => text.replace(`${folder.path}/prompts/`, ''));
  expect(lines).toContain('bare.md: must begin with front matter: --- prompt: name ---');
  expect(lines).toContain('chain_of_thought.md: published as version 2');
  expect(lines).toContainEqual(
    expect.stringMatching(
      /^classify_sentiment\.md:5: system, two: the prompt declares no variable "two"/,
    ),
  );
  expect(lines).toContainEqual(
    expect.stringMatching(
      new RegExp(
        `^rag_qa\\.md:${line}: template, colour: the prompt declares no variable "colour"`,
      ),
    ),
  );
  expect(lines).toContain('unknown.md: the server has no prompt "unknown"');
  expect(lines).toContain('wrong.md: Unrecognized key: "temprature"');
  expect((await promptOf('rag_qa')).numbers).toEqual([1]);
});
