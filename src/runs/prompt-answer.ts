import type { NamedPrompt } from '../prompts/prompts.ts';
import { cachedCall } from './cached-call.ts';
import type { LiveRun } from './live-run.ts';
import { parseOutput } from './model-output.ts';
import { payerOf } from './payer.ts';
import { cacheModeOf, callOf, chainOf, prepareNamed } from './prepared-prompt.ts';
import type { RunRooms } from './run-rooms.ts';
import type { RunOptions } from './runs.ts';
import { wholeAnswer } from './whole-answer.ts';

/**
 * Has the model answer a prompt on the way to what a run is about: paid for by the run, recorded under the prompt's own
 * version, and not told. Resolves with a value of the prompt's output schema, or with the text where it has none.
 */
export async function promptAnswer(
  run: LiveRun,
  { named, options }: { named: NamedPrompt; options: RunOptions },
  rooms: RunRooms,
): Promise<unknown> {
  const prompt = await prepareNamed(named, options.subject ?? run.row.userId, rooms.prompts);
  const { promptVersionId, experimentId, variant, name: promptName } = prompt;
  const payer = payerOf(run);
  const tag = { ...payer.tag, promptVersionId, experimentId, variant, promptName };
  const { models } = rooms;
  const { text } = await wholeAnswer(
    cachedCall(
      { ...payer, tag },
      {
        call: callOf(prompt),
        chain: chainOf({}, { prompt: prompt.model, options, models }),
        mode: cacheModeOf(prompt, options),
      },
      rooms,
    ),
  );
  return prompt.outputSchema ? parseOutput(text, prompt.outputSchema) : text;
}
