import { promptAnswer } from '../calls/prompt-answer.ts';
import type { LiveRun } from '../live/live-run.ts';
import type { RunServices } from '../run-services.ts';
import type { Exchange } from './read-history.ts';
import { messagesOf } from './shortened-history.ts';
import { standsAlone } from './stands-alone.ts';
import { transcript } from './transcript.ts';

const prompt = 'standalone_question';
/** The end of a conversation is what a follow-up refers to. */
const maxCharacters = 12_000;

/**
 * The question to search for: a follow-up, such as "and for part-timers?", made into a question of its own by a registered
 * prompt at the run's expense. One that stands alone is searched for as it is, and so is every question of a server whose
 * plugins lack the prompt. Rejects as the prompt's call does.
 */
export async function standaloneQuestion(
  run: LiveRun,
  { question, exchanges }: { question: string; exchanges: readonly Exchange[] },
  services: RunServices,
): Promise<string> {
  if (exchanges.length === 0 || standsAlone(question)) return question;
  if (!services.registry.prompts.has(prompt)) return question;
  const conversation = transcript(messagesOf(exchanges)).slice(-maxCharacters).toWellFormed();
  const named = { name: prompt, variables: { conversation, question } };
  const rewritten = String(await promptAnswer(run, { named, options: {} }, services)).trim();
  return rewritten === '' ? question : rewritten;
}
