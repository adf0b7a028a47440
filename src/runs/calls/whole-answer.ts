import type { CallEvent, CallFinish } from './metered-call.ts';
import { refusal } from './refusal.ts';

/** What a call says, waited for in full; nothing of it is told. Rejects with MODEL_REFUSED when the model would not. */
export async function wholeAnswer(
  events: AsyncIterable<CallEvent>,
): Promise<{ text: string; finish: CallFinish }> {
  let text = '';
  let finish: CallFinish | null = null;
  for await (const event of events) {
    if (event.type === 'text') text += event.text;
    else if (event.type === 'finish') finish = event;
  }
  if (!finish) throw new Error('the call ended without a finish');
  if (finish.stopReason === 'refusal') throw refusal(finish.refusal);
  return { text, finish };
}
