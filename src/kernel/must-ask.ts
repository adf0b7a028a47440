import type { AnyTool } from './tool.ts';
import { untilAborted } from './until-aborted.ts';

const answerWithinMs = 5_000;

/**
 * Does this call wait for a person? A rule that throws, or has not answered within 5 s, has not said that nobody needs to
 * be asked. Rejects with the signal's reason, and never otherwise.
 */
export async function mustAsk(
  { needsApproval = false }: Pick<AnyTool, 'needsApproval'>,
  input: Record<string, unknown>,
  signal: AbortSignal,
): Promise<boolean> {
  if (typeof needsApproval !== 'function') return needsApproval;
  const bound = AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]);
  try {
    return await untilAborted(bound, () => needsApproval(input));
  } catch {
    signal.throwIfAborted();
    return true;
  }
}
