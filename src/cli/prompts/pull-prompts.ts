import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CliError } from '../cli-error.ts';
import type { ApiClient } from '../create-api-client.ts';
import {
  PromptWordingsDocument,
  type PromptWordingsQuery,
} from '../operations/operations.generated.ts';
import type { Terminal } from '../terminal.ts';
import { formatPromptFile } from './prompt-file.ts';

export interface PullOptions {
  client: ApiClient;
  terminal: Terminal;
  label?: string;
  dryRun?: boolean;
}

/** Writes what the label of each prompt points to. Prompts without that label are named and left out. */
export async function pullPrompts(folder: string, options: PullOptions): Promise<void> {
  const { client, terminal, label = 'production', dryRun = false } = options;
  if (!dryRun) await mkdir(folder, { recursive: true });
  for await (const { name, version } of prompts(client, label)) {
    if (!version) {
      terminal.print(`${name}: has no label "${label}"`);
      continue;
    }
    // The name becomes a file's: nothing that a server says may lead out of the folder.
    if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new CliError(`"${name}" is no name of a prompt.`);
    const file = path.join(folder, `${name}.md`);
    const content = formatPromptFile(name, version.number, version);
    const before = await readFile(file, 'utf8').catch(() => null);
    const isSame = before === content;
    if (!isSame && !dryRun) await writeFile(file, content);
    const done = isSame ? 'as before' : before === null ? 'written' : 'overwritten';
    terminal.print(
      `${file}: version ${version.number}, ${dryRun && !isSame ? `would be ${done}` : done}`,
    );
  }
}

type PromptNode = PromptWordingsQuery['prompts']['edges'][number]['node'];

async function* prompts(client: ApiClient, label: string): AsyncGenerator<PromptNode> {
  for (let after: string | null = null; ; ) {
    const { prompts: page }: PromptWordingsQuery = await client.execute(PromptWordingsDocument, {
      label,
      after,
    });
    for (const { node } of page.edges) yield node;
    if (!page.pageInfo.hasNextPage) return;
    after = page.pageInfo.endCursor;
  }
}
