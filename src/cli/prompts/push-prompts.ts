import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CliError } from '../cli-error.ts';
import type { ApiClient } from '../create-api-client.ts';
import {
  MoveLabelDocument,
  PromptToPushDocument,
  PublishWordingDocument,
  type PublishWordingMutation,
  type WordingFragment,
} from '../operations/operations.generated.ts';
import type { Terminal } from '../terminal.ts';
import {
  formatPromptFile,
  isSameWording,
  type PromptFile,
  parsePromptFile,
} from './prompt-file.ts';

export interface PushOptions {
  client: ApiClient;
  terminal: Terminal;
  label?: string;
  dryRun?: boolean;
  force?: boolean;
}

/**
 * Publishes each Markdown file of the folder that says something else than the server has, and moves the label to it.
 * One that fails is told and keeps no other from being pushed. Resolves with how many failed.
 */
export async function pushPrompts(folder: string, options: PushOptions): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new CliError(`There is no folder ${folder}.`, { cause });
  });
  const names = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md') && entry.name !== 'README.md')
    .map(({ name }) => name)
    .sort();
  if (names.length === 0) throw new CliError(`There are no .md files in ${folder}.`);
  let failed = 0;
  for (const name of names) {
    const file = path.join(folder, name);
    try {
      options.terminal.print(`${file}: ${await pushFile(file, options)}`);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      failed += 1;
      for (const line of error.message.split('\n')) options.terminal.print(line);
    }
  }
  return failed;
}

/** Resolves with what was done, in words. */
async function pushFile(file: string, options: PushOptions): Promise<string> {
  const parsed = parsePromptFile(file, await readFile(file, 'utf8'));
  const { client, label, dryRun = false } = options;
  const base = label ?? 'production';
  const { prompt } = await client.execute(PromptToPushDocument, {
    name: parsed.prompt,
    label: base,
  });
  if (!prompt) throw new CliError(`${file}: the server has no prompt "${parsed.prompt}"`);
  const current = prompt.version;
  const newest = prompt.versions.edges[0]?.node ?? null;
  const same = [current, newest].find(
    (version) => version && isSameWording(version, parsed.wording),
  );
  const moves = label !== undefined && (!same || current?.number !== same.number);
  if (!same || moves) checkBase(file, parsed, { current, base, options });
  const done: string[] = [];
  let number = same?.number;
  if (number === undefined) {
    if (!dryRun) number = await publish(file, parsed, client);
    done.push(dryRun ? 'would be published as a new version' : `published as version ${number}`);
  } else done.push(`is version ${number}`);
  if (moves) {
    const move = { prompt: parsed.prompt, label, version: number ?? 0 };
    if (!dryRun) await moveLabel(file, move, client);
    done.push(`"${label}" ${dryRun ? 'would move' : 'moved'} to it`);
    // The next edit is then one of this version.
    if (!dryRun && parsed.version !== null) {
      await writeFile(file, formatPromptFile(parsed.prompt, move.version, parsed.wording));
    }
  }
  return done.join(', ');
}

interface Base {
  current: WordingFragment | null;
  base: string;
  options: PushOptions;
}

/** Refuses to publish over the work of somebody else, or to undo their rollback, unseen. */
function checkBase(file: string, { version }: PromptFile, { current, base, options }: Base): void {
  if (options.force || version === null || !current || current.number === version) return;
  throw new CliError(
    `${file}: was pulled at version ${version}, but "${base}" is at version ${current.number} (by ${current.createdBy}): pull again, or push with --force`,
  );
}

async function publish(file: string, parsed: PromptFile, client: ApiClient): Promise<number> {
  const input = { prompt: parsed.prompt, ...parsed.wording };
  const { createPromptVersion: result } = await client.execute(PublishWordingDocument, { input });
  if (result.__typename === 'PromptVersion') return result.number;
  throw new CliError(
    result.__typename === 'TemplateInvalidError'
      ? result.issues.map((issue) => tellIssue(file, issue, parsed)).join('\n')
      : `${file}: ${result.message}`,
  );
}

type Result = PublishWordingMutation['createPromptVersion'];
type TemplateIssue = Extract<Result, { __typename: 'TemplateInvalidError' }>['issues'][number];

/** An issue names a line of its text; this names the file's. */
function tellIssue(
  file: string,
  { path: at, message }: TemplateIssue,
  { linesBefore }: PromptFile,
): string {
  const [field, ...variable] = at;
  const [, line, rest] = /^line (\d+): ([\s\S]*)$/.exec(message) ?? [];
  const before = linesBefore[field as keyof PromptFile['linesBefore']] ?? null;
  const where = variable.length > 0 ? `${field}, ${variable.join('.')}` : field;
  if (line === undefined || rest === undefined || before === null)
    return `${file}: ${where}: ${message}`;
  return `${file}:${before + Number(line)}: ${where}: ${rest}`;
}

async function moveLabel(
  file: string,
  input: { prompt: string; label: string; version: number },
  client: ApiClient,
): Promise<void> {
  const { setPromptLabel: result } = await client.execute(MoveLabelDocument, { input });
  if (result.__typename !== 'PromptLabel') throw new CliError(`${file}: ${result.message}`);
}
