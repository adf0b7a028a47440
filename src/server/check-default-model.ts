import type { Config } from '../config.ts';
import { isDomainError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { StartupError } from '../kernel/startup-error.ts';
import type { Models } from '../model/models.ts';

/** Models that only the stand-in has. */
const standIn = /^(?:demo-|claude-mock)/;

interface CheckOptions {
  models: Models;
  /** Claude's models are made up by the demo model. */
  demo: boolean;
  log: Log;
}

/**
 * Checks the model that operators name for calls without one. Throws a `StartupError` for a model that surely nobody has;
 * logs a warning, perhaps later, for one that its provider does not list, since lists leave names out.
 */
export function checkDefaultModel(
  { model, anthropic }: Config,
  { models, demo, log }: CheckOptions,
): void {
  if (model === null) return;
  const name = resolve(model, models);
  if (models.information(name)) return;
  // A server that only speaks Claude's API may call its models what it likes.
  const isOnlyClaude = demo || anthropic.baseUrl === null;
  if (isOnlyClaude && !name.includes('/')) {
    if (!name.startsWith('claude-') && !standIn.test(name)) throw notOfClaude(name);
    if (demo && !standIn.test(name)) throw refusal(`the demo model has no model ${name}`);
  }
  void warnIfUnlisted(name, models, log);
}

function resolve(model: string, models: Models): string {
  try {
    return models.resolve(model);
  } catch (error) {
    if (!isDomainError(error)) throw error;
    throw refusal(error.message);
  }
}

async function warnIfUnlisted(name: string, models: Models, log: Log): Promise<void> {
  const prefix = name.includes('/') ? `${name.split('/', 1)[0]}/` : '';
  const listed = (await models.list()).map(({ id }) => id);
  const own = listed.filter((id) => id.startsWith(prefix));
  // Lists have dated names where calls may leave the date out.
  if (own.length === 0 || own.some((id) => id === name || id.startsWith(`${name}-`))) return;
  log.warn({ model: name }, 'TESSERA_MODEL: its provider lists no such model; calls may fail');
}

const notOfClaude = (name: string): StartupError =>
  refusal(
    `${name} is no model of Claude. Models of other providers are named with their prefix: did you mean openai/${name}? It needs OPENAI_API_KEY or OPENAI_BASE_URL as well`,
  );

const refusal = (problem: string): StartupError => new StartupError([`TESSERA_MODEL: ${problem}`]);
