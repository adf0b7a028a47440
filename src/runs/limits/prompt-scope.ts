import type { Caller } from '../../kernel/access/principal.ts';
import { assertAllows } from '../../kernel/access/scopes.ts';
import { DomainError } from '../../kernel/errors.ts';
import type { PromptChoice } from '../runs.ts';

/** Throws FORBIDDEN for a prompt outside the caller's scopes. Free text is no prompt that a scope could name. */
export function assertPromptAllowed(
  choice: PromptChoice,
  { scopes }: Pick<Caller, 'scopes'>,
): void {
  if ('named' in choice) assertAllows(scopes, 'prompts', choice.named.name);
  else if (scopes?.prompts && !scopes.prompts.includes('*')) throw freeText();
}

const freeText = (): DomainError =>
  new DomainError(
    'FORBIDDEN',
    'The scopes of this key list the prompts that it may use: send one of them by name instead of your own text.',
  );
