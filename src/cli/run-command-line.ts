import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { CliConfig } from '../config.ts';
import { StartupError } from '../kernel/startup-error.ts';
import { calibrate } from './calibrate/calibrate.ts';
import { CliError } from './cli-error.ts';
import { type ApiClient, createApiClient } from './create-api-client.ts';
import { findFiles } from './ingest/find-files.ts';
import { ingestFiles } from './ingest/ingest-files.ts';
import { isWorthTelling, newReport, printReport } from './ingest/ingest-report.ts';
import { login } from './login.ts';
import { pullPrompts } from './prompts/pull-prompts.ts';
import { pushPrompts } from './prompts/push-prompts.ts';
import { createTerminal, type Output, type Progress, type Terminal } from './terminal.ts';

export interface CommandLine {
  /** What stands behind the program's name. */
  words: readonly string[];
  /** The folder that ingested files are named by. */
  directory: string;
  /** Throws a `StartupError`. */
  readConfig(): CliConfig;
  output: Output;
  progress: Progress;
  signal: AbortSignal;
}

interface Session extends CommandLine {
  terminal: Terminal;
}

interface ServerOptions {
  url?: string;
  key?: string;
}

function connect(
  { url, key }: ServerOptions,
  { readConfig, signal, terminal }: Session,
): ApiClient {
  const config = readConfig();
  return createApiClient({
    url: url ?? config.url,
    key: key ?? config.key,
    signal,
    onWait: terminal.tell,
  });
}

const urlOption = () =>
  new Option('--url <url>', 'the server (default: TESSERA_URL, else http://127.0.0.1:4000)');
const keyOption = () =>
  new Option(
    '--key <key>',
    'a key (default: TESSERA_KEY, which `ps` does not show; else the first key of a server here)',
  );

function keyAndValue(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError('write key=value');
  return { ...before, [key]: value };
}

function byteCount(text: string): number {
  if (!/^\d{5,9}$/.test(text)) throw new InvalidArgumentError('write bytes, at least 10000');
  return Number(text);
}

interface IngestOptions extends ServerOptions {
  collection: string;
  metadata?: Record<string, string>;
  force?: boolean;
  bodyLimit: number;
}

async function ingest(paths: string[], options: IngestOptions, session: Session): Promise<number> {
  const { collection, metadata = {}, force: isForced = false, bodyLimit: bodyLimitBytes } = options;
  const { terminal, signal, directory } = session;
  const client = connect(options, session);
  const files = await findFiles(paths, directory);
  const report = newReport();
  try {
    await ingestFiles(files, report, {
      client,
      terminal,
      collection,
      metadata,
      bodyLimitBytes,
      isForced,
      signal,
    });
  } catch (error) {
    if (isWorthTelling(report)) printReport(report, collection, terminal);
    throw error;
  }
  printReport(report, collection, terminal);
  return report.failed.length > 0 ? 1 : 0;
}

function addCalibrate(program: Command, session: Session): void {
  const { terminal } = session;
  program
    .command('calibrate')
    .description("Finds what a collection's embedder should count, from judged questions.")
    .argument('<dir>', 'with queries.jsonl and qrels.tsv')
    .requiredOption('-c, --collection <name>', 'which holds the judged documents')
    .option('--apply', 'set the best weight')
    .addOption(urlOption())
    .addOption(keyOption())
    .action(async (folder: string, options: CalibrateOptions) =>
      calibrate(folder, { client: connect(options, session), terminal, ...options }),
    );
}

interface CalibrateOptions extends ServerOptions {
  collection: string;
  apply?: boolean;
}

interface PromptsOptions extends ServerOptions {
  label?: string;
  dryRun?: boolean;
  force?: boolean;
}

type Finish = (code: number) => void;

function addIngest(program: Command, session: Session, finish: Finish): void {
  program
    .command('ingest')
    .description('Sends files and folders of Markdown, HTML, plain text and PDF to a collection.')
    .argument('<path...>')
    .requiredOption('-c, --collection <name>', 'made when it is not there')
    .option('-m, --metadata <key=value>', 'to filter by; may be repeated', keyAndValue)
    .option('--force', 'send also what has not changed')
    .option('--body-limit <bytes>', 'what the server takes in a request', byteCount, 4_194_304)
    .addOption(urlOption())
    .addOption(keyOption())
    .action(async (paths: string[], options: IngestOptions) =>
      finish(await ingest(paths, options, session)),
    );
}

function addPrompts(program: Command, session: Session, finish: Finish): void {
  const { terminal } = session;
  const prompts = program.command('prompts').description('Prompts as files, to review in git.');
  prompts
    .command('pull')
    .description('Writes the wording of each prompt to DIR/<name>.md.')
    .argument('<dir>')
    .option('-l, --label <label>', 'the versions that it points to (default: production)')
    .option('--dry-run', 'only tell what would be written')
    .addOption(urlOption())
    .addOption(keyOption())
    .action(async (folder: string, options: PromptsOptions) =>
      pullPrompts(folder, { client: connect(options, session), terminal, ...options }),
    );
  prompts
    .command('push')
    .description('Publishes each DIR/*.md that differs as a new version.')
    .argument('<dir>')
    .option('-l, --label <label>', 'move it to what was pushed: "production" deploys')
    .option('--dry-run', 'only tell what would be published')
    .option('--force', 'also over a version that is newer than the file')
    .addOption(urlOption())
    .addOption(keyOption())
    .action(async (folder: string, options: PromptsOptions) => {
      const client = connect(options, session);
      finish((await pushPrompts(folder, { client, terminal, ...options })) > 0 ? 1 : 0);
    });
}

function addLogin(program: Command, session: Session): void {
  const { terminal } = session;
  program
    .command('login')
    .description('Makes a link that signs one browser in as the holder of the key, once.')
    .addOption(urlOption())
    .addOption(keyOption())
    .action(async (options: ServerOptions) =>
      login({
        client: connect(options, session),
        url: options.url ?? session.readConfig().url,
        terminal,
      }),
    );
}

async function parse(session: Session): Promise<number> {
  let code = 0;
  const finish: Finish = (given) => {
    code = given;
  };
  const { output, progress } = session;
  const program = new Command('tessera')
    .description('A client of a Tessera server.')
    // Before the commands, which take it over.
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void output.write(text),
      writeErr: (text) => void progress.write(text),
    });
  addIngest(program, session, finish);
  addCalibrate(program, session);
  addPrompts(program, session, finish);
  addLogin(program, session);
  await program.parseAsync(session.words, { from: 'user' });
  return code;
}

/** Runs one command; resolves with its exit code: 0, 1 where something failed, 130 when it was interrupted. */
export async function runCommandLine(line: CommandLine): Promise<number> {
  const terminal = createTerminal(line.output, line.progress);
  try {
    return await parse({ ...line, terminal });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (line.signal.aborted) {
      terminal.tell('Interrupted. The same command again goes on.');
      return 130;
    }
    if (!(error instanceof StartupError || error instanceof CliError)) throw error;
    const problems = error instanceof StartupError ? error.problems : [error.message];
    for (const problem of problems) terminal.tell(`tessera: ${problem}`);
    return 1;
  }
}
