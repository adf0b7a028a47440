import { raceAbort } from '../timing/race-abort.ts';
import type { AnyTool } from '../tool.ts';

const answerWithinMs = 5_000;

/**
 * Whether this call waits for a person. A rule that throws, or does not answer within 5 s, asks
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
    return await raceAbort(bound, () => needsApproval(input));
  } catch {
    signal.throwIfAborted();
    return true;
  }
}

/** Why a call that must be asked for cannot be made outside of an agent's run. */
export const onlyByAgents = (name: string): string =>
  `"${name}" needs a person's approval, which only an agent of this server can ask for.`;
