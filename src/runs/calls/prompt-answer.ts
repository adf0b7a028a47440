import type { NamedPrompt } from '../../prompts/prompts.ts';
import type { LiveRun } from '../live/live-run.ts';
import type { RunServices } from '../run-services.ts';
import type { RunOptions } from '../runs.ts';
import { billingOf } from './billing.ts';
import { parseOutput } from './model-output.ts';
import { cacheModeOf, callOf, chainOf, prepareNamed } from './prepared-prompt.ts';
import { wholeAnswer } from './whole-answer.ts';

/**
 * Has the model answer a prompt on the way to what a run is about: paid for by the run, recorded under the prompt's own
 * version, and not streamed. Resolves with a value of the prompt's output schema, or with the text where it has none.
 */
export async function promptAnswer(
  run: LiveRun,
  { named, options }: { named: NamedPrompt; options: RunOptions },
  services: RunServices,
): Promise<unknown> {
  const prompt = await prepareNamed(named, options.subject ?? run.row.userId, services.prompts);
  const { promptVersionId, experimentId, variant, name: promptName } = prompt;
  const billing = billingOf(run);
  const tag = { ...billing.tag, promptVersionId, experimentId, variant, promptName };
  const { models } = services;
  const request = {
    call: callOf(prompt),
    chain: chainOf({}, { prompt: prompt.model, options, models }),
    mode: cacheModeOf(prompt, options),
  };
  const { text } = await wholeAnswer(run, { billing: { ...billing, tag }, request }, services);
  return prompt.outputSchema ? parseOutput(text, prompt.outputSchema) : text;
}
