#!/usr/bin/env node
import { readProcessCliConfig } from '../config.ts';
import { runCommandLine } from './run-command-line.ts';

const interruption = new AbortController();
process.once('SIGINT', () => interruption.abort());

process.exitCode = await runCommandLine({
  words: process.argv.slice(2),
  directory: process.cwd(),
  readConfig: readProcessCliConfig,
  output: process.stdout,
  progress: process.stderr,
  signal: interruption.signal,
});
