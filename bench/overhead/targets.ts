import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { LoadJob } from './load-job.ts';
import { printed, startProgram, stopProgram } from './processes.ts';

export type TargetName = 'yoga' | 'embedded' | 'postgres';

/** A server under test. */
export interface Target {
  name: TargetName;
  url: string;
  pid: number;
  /** Milliseconds from the start of the process to the line that says where it listens. */
  readyMs: number;
  headers: Record<string, string>;
  /** Operations that do the same on every target. */
  documents: Documents;
  stop(): Promise<void>;
}

type Operation = Pick<LoadJob, 'query' | 'variables'>;

export interface Documents {
  call: Operation;
  stream: Operation;
  /** A call whose answer is in the response cache; the floor has none. */
  cachedCall?: Operation;
  /** A subscription that stays silent. */
  idle: Operation;
}

const prompt = 'Write a short text about the sea, the wind and the stars. '.repeat(16).trim();
const adminKey = 'the-admin-key-of-the-benchmark-0123456789';

const yogaDocuments: Documents = {
  call: {
    query:
      'mutation ($prompt: String!) { complete(prompt: $prompt) { id text usage { input output } } }',
    variables: { prompt },
  },
  stream: {
    query:
      'subscription ($prompt: String!) { completion(prompt: $prompt) { text usage { input output } } }',
    variables: { prompt },
  },
  idle: { query: 'subscription { idle { text } }', variables: {} },
};

const completeDocument = `mutation ($input: CompleteInput!) { complete(input: $input) {
  ... on Completion { id text usage { inputTokens outputTokens } } ... on Error { code message } } }`;
const completionDocument = `subscription ($input: CompleteInput!) { completion(input: $input) {
  ... on TextDelta { text } ... on RunFinished { run { usage { inputTokens outputTokens } } }
  ... on RunFailed { error { code message } } } }`;
const inputWith = (cache: 'BYPASS' | 'DEFAULT') => ({
  input: { prompt: { text: prompt }, maxTokens: 1_024, options: { cache } },
});

const tesseraDocuments: Documents = {
  call: { query: completeDocument, variables: inputWith('BYPASS') },
  stream: { query: completionDocument, variables: inputWith('BYPASS') },
  cachedCall: { query: completeDocument, variables: inputWith('DEFAULT') },
  idle: { query: 'subscription { alertRaised { id } }', variables: {} },
};

export interface StartOptions {
  upstreamUrl: string;
  /** Of the Postgres server, for the target of that name. */
  databaseUrl?: string | undefined;
  /** The embedded database's folder; a new one, which goes with the target, when left out. */
  dataDir?: string | undefined;
  /** More settings of a Tessera server. */
  environment?: Readonly<Record<string, string>>;
  nodeOptions?: readonly string[];
}

/** Starts a target as its users run it. Rejects with what it printed when it does not come up. */
export async function startTarget(name: TargetName, options: StartOptions): Promise<Target> {
  const startedAt = performance.now();
  const { child, cleanUp } = await startProcess(name, options);
  const url = await printed(child, /Endpoint\s+(http\S+)/);
  return {
    name,
    url,
    pid: child.pid!,
    readyMs: performance.now() - startedAt,
    headers: name === 'yoga' ? {} : { authorization: `Bearer ${adminKey}` },
    documents: name === 'yoga' ? yogaDocuments : tesseraDocuments,
    async stop() {
      await stopProgram(child);
      await cleanUp();
    },
  };
}

async function startProcess(
  name: TargetName,
  { upstreamUrl, databaseUrl, dataDir, environment: more = {}, nodeOptions = [] }: StartOptions,
): Promise<{ child: ChildProcess; cleanUp(): Promise<void> }> {
  const environment = { ANTHROPIC_BASE_URL: upstreamUrl };
  if (name === 'yoga') {
    const child = startProgram({ file: 'bare-yoga.ts', core: 'server', environment, nodeOptions });
    return { child, cleanUp: async () => {} };
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'tessera-bench-'));
  const database =
    name === 'postgres' ? { DATABASE_URL: databaseUrl } : { DATA_DIR: dataDir ?? folder };
  const child = startProgram({
    file: '../../src/server.ts',
    core: 'server',
    nodeOptions,
    environment: {
      ...environment,
      ...database,
      PORT: '0',
      ANTHROPIC_API_KEY: 'bench',
      TESSERA_ADMIN_KEY: adminKey,
      RATE_LIMIT: 'off',
      ...more,
    },
  });
  return { child, cleanUp: () => rm(folder, { recursive: true, force: true }) };
}
