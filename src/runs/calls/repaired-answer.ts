import type { Issue } from '../../kernel/errors.ts';
import type { AssistantMessage, Message } from '../../kernel/model.ts';
import type { LiveRun } from '../live/live-run.ts';
import type { RunServices } from '../run-services.ts';
import { billingOf } from './billing.ts';
import type { CachedRequest } from './cached-call.ts';
import type { CallFinish } from './metered-call.ts';
import { wholeAnswer } from './whole-answer.ts';

/** What a model is told whose answer was not of its schema; what is wrong with it follows, a line each. */
const instruction =
  'Your answer is not of the form that was asked for. Give the whole answer once more, with nothing before or after it, and mend this:';

interface BadAnswer {
  asked: CachedRequest;
  answer: AssistantMessage;
  issues: readonly Issue[];
}

/**
 * One more call, in which the model mends its own answer; nothing of it is told. It is not checked here. Rejects with
 * MODEL_REFUSED when the model would not, and as the call itself does.
 */
export async function repairedAnswer(
  run: LiveRun,
  { asked, answer, issues }: BadAnswer,
  services: RunServices,
): Promise<{ text: string; finish: CallFinish }> {
  const call = { ...asked.call, messages: [...asked.call.messages, answer, complaint(issues)] };
  const request: CachedRequest = { ...asked, call, mode: 'BYPASS' };
  return wholeAnswer(run, { billing: billingOf(run), request }, services);
}

function complaint(issues: readonly Issue[]): Message {
  const lines = issues.map(({ path, message }) => `- ${path.join('.') || '(all)'}: ${message}`);
  return { role: 'user', content: [{ type: 'text', text: [instruction, ...lines].join('\n') }] };
}
