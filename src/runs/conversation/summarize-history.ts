import type { Message } from '../../kernel/model.ts';
import { promptAnswer } from '../calls/prompt-answer.ts';
import type { LiveRun } from '../live/live-run.ts';
import type { RunServices } from '../run-services.ts';
import { transcript } from './transcript.ts';

const prompt = 'conversation_summary';
/** Some 50,000 tokens: room in the window of any model of today. */
const maxCharacters = 200_000;

/**
 * A summary of what was said, and of what an earlier summary tells of the time before, by a registered prompt at the run's
 * expense. Rejects as the prompt's call does.
 */
export async function summarizeHistory(
  run: LiveRun,
  { messages, earlier }: { messages: readonly Message[]; earlier: string | null },
  services: RunServices,
): Promise<string> {
  const text = transcript(messages);
  let summary = earlier ?? '';
  for (let start = 0; start < text.length; start += maxCharacters) {
    const conversation = text.slice(start, start + maxCharacters).toWellFormed();
    const named = { name: prompt, variables: { conversation, earlier: summary } };
    summary = String(await promptAnswer(run, { named, options: {} }, services));
  }
  return summary;
}
