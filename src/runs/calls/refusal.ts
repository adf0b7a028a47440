import { DomainError } from '../../kernel/errors.ts';
import type { StopReason } from '../../kernel/model.ts';

/** The model would not answer. What it said before is kept with the run. */
export function refusal(explanation: string | null): DomainError<'MODEL_REFUSED'> {
  const why = explanation ? ` It says: ${explanation}` : '';
  return new DomainError('MODEL_REFUSED', `The model refused to answer this.${why}`);
}

/** A refusal is an error, whatever was said before. */
export function throwIfRefused(finish: { stopReason: StopReason; refusal: string | null }): void {
  if (finish.stopReason === 'refusal') throw refusal(finish.refusal);
}
