// npm run bench:selection: output tokens and dollars of twelve prompts at 25, 50, 75 and 100 % of their output fields, by
// the demo model, which writes as much as the schema asks for. Writes the table of docs/selection.md and its plot.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, View } from 'vega';
import { compile } from 'vega-lite';
import type { z } from 'zod';
import { readConfig } from '../src/config.ts';
import { startDemoModel } from '../src/demo-model/demo-model-server.ts';
import { startServer } from '../src/server/start-server.ts';
import { benchLog as log } from './bench-log.ts';
import { selectionPlugin, selectionPrompts } from './selection-prompts.ts';

const adminKey = 'the-key-of-the-selection-benchmark';
const shares = [0.25, 0.5, 0.75, 1];
const text =
  'The red chair costs 30 dollars. It was made in Rome. Ada ordered four of them on Monday.';

/** Paths of all leaves of an output, lists passed through. */
function leavesOf(schema: z.ZodType): string[][] {
  const { def } = schema._zod as unknown as {
    def: { type: string; shape?: Record<string, z.ZodType>; element?: z.ZodType };
  };
  if (def.element) return leavesOf(def.element);
  if (!def.shape) return [[]];
  return Object.entries(def.shape).flatMap(([name, part]) =>
    leavesOf(part).map((rest) => [name, ...rest]),
  );
}

interface Tree {
  [name: string]: Tree;
}

/** A selection set of some leaves. */
function selectionOf(leaves: readonly string[][]): string {
  const tree: Tree = {};
  for (const leaf of leaves) {
    leaf.reduce<Tree>((node, name) => {
      node[name] ??= {};
      return node[name];
    }, tree);
  }
  const print = (node: Tree): string =>
    Object.entries(node)
      .map(([name, child]) =>
        Object.keys(child).length > 0 ? `${name} { ${print(child)} }` : name,
      )
      .join(' ');
  return print(tree);
}

/** Every nth leaf, spread over the whole output. */
function shareOf(leaves: readonly string[][], share: number): string[][] {
  const count = Math.max(1, Math.round(leaves.length * share));
  return Array.from(
    { length: count },
    (_, index) => leaves[Math.floor((index * leaves.length) / count)]!,
  );
}

interface Measured {
  prompt: string;
  share: number;
  tokens: number;
  cost: number;
}

async function measureAll(url: string): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const { name, output } of selectionPrompts) {
    const leaves = leavesOf(output);
    for (const share of shares) {
      const type = `${name[0]!.toUpperCase()}${name.slice(1)}Completion`;
      const query = `mutation ($text: String!) { ${name}(variables: { text: $text }) {
        ... on Error { message } ... on ${type} { cost usage { outputTokens } output { ${selectionOf(shareOf(leaves, share))} } } } }`;
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables: { text } }),
      });
      const { data, errors } = (await response.json()) as {
        data?: Record<string, { cost: string; usage: { outputTokens: number } }>;
        errors?: unknown;
      };
      const result = data?.[name];
      if (!result?.usage) throw new Error(JSON.stringify(errors ?? data));
      const { outputTokens: tokens } = result.usage;
      measured.push({ prompt: name, share, tokens, cost: Number(result.cost) });
    }
  }
  return measured;
}

/** Output tokens of all prompts together that a share saves. */
function savedAt(measured: readonly Measured[], share: number): string {
  const sum = (of: number): number =>
    measured.filter((one) => one.share === of).reduce((total, { tokens }) => total + tokens, 0);
  return `${Math.round(100 * (1 - sum(share) / sum(1)))} %`;
}

function table(measured: readonly Measured[]): string {
  const cell = (prompt: string, share: number): string => {
    const found = measured.find((one) => one.prompt === prompt && one.share === share)!;
    return `${found.tokens} ($${found.cost.toFixed(6)})`;
  };
  const saved = (prompt: string): string => {
    const [half, whole] = [0.5, 1].map(
      (share) => measured.find((one) => one.prompt === prompt && one.share === share)!.tokens,
    );
    return `${Math.round(100 * (1 - half! / whole!))} %`;
  };
  return [
    '| prompt | 25 % | 50 % | 75 % | 100 % | saved at half the fields |',
    '| --- | --- | --- | --- | --- | --- |',
    ...selectionPrompts.map(
      ({ name }) =>
        `| ${name} | ${shares.map((share) => cell(name, share)).join(' | ')} | ${saved(name)} |`,
    ),
    `| all, saved | ${shares.map((share) => savedAt(measured, share)).join(' | ')} | ${savedAt(measured, 0.5)} |`,
  ].join('\n');
}

async function plot(measured: readonly Measured[]): Promise<string> {
  const values = measured.map(({ prompt, share, tokens }) => ({
    prompt,
    selected: share * 100,
    tokens:
      (100 * tokens) / measured.find((one) => one.prompt === prompt && one.share === 1)!.tokens,
  }));
  const { spec } = compile({
    width: 480,
    height: 280,
    data: { values },
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'selected', type: 'quantitative', title: 'fields selected, %' },
      y: { field: 'tokens', type: 'quantitative', title: 'output tokens, % of all' },
      color: { field: 'prompt', type: 'nominal' },
    },
    config: { background: 'white' },
  });
  return new View(parse(spec), { renderer: 'none' }).toSVG();
}

const page = new URL('../docs/selection.md', import.meta.url);
const dataDir = await mkdtemp(path.join(tmpdir(), 'tessera-selection-'));
const demo = await startDemoModel();
const server = await startServer(
  readConfig({
    PORT: '0',
    DATA_DIR: dataDir,
    TESSERA_ADMIN_KEY: adminKey,
    ANTHROPIC_API_KEY: 'bench',
    ANTHROPIC_BASE_URL: demo.url,
  }),
  { log, plugins: [selectionPlugin] },
);
try {
  const measured = await measureAll(server.url);
  console.log(table(measured));
  const markers = /(<!-- bench:selection -->\n)[\s\S]*(<!-- end -->)/;
  const written = (await readFile(page, 'utf8')).replace(markers, `$1${table(measured)}\n$2`);
  await writeFile(page, written);
  await writeFile(new URL('../docs/selection.svg', import.meta.url), await plot(measured));
} finally {
  await server.stop(0);
  await demo.close();
  await rm(dataDir, { recursive: true });
}
