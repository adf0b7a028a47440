import { isDomainError } from '../../kernel/errors.ts';
import type { Hold, HoldRequest } from '../../ledger/ledger.ts';
import type { ModelName } from '../../model/models.ts';
import type { RunServices } from '../run-services.ts';
import type { Billing, CallRequest } from './metered-call.ts';

/**
 * Holds the worst case of a call. Its input is guessed, generously; where the guess finds no room and an exact number
 * could, the provider counts it. Rejects with BUDGET_EXCEEDED.
 */
export async function holdCall(
  billing: Billing,
  asked: CallRequest,
  services: Pick<RunServices, 'ledger' | 'models' | 'prices'>,
): Promise<Hold> {
  const { ledger, models } = services;
  const request = guessedRequest(billing, asked, services);
  try {
    return await ledger.hold({ ...request, provisional: true });
  } catch (error) {
    if (!isDomainError(error, 'BUDGET_EXCEEDED')) throw error;
    const counted = mayFit(request, error.details.remaining, services)
      ? await models.countInputTokens(asked.call, asked.chain, billing.signal)
      : null;
    return ledger.hold({ ...request, ...(counted !== null && { estimatedInputTokens: counted }) });
  }
}

function guessedRequest(
  { tag, envelope }: Billing,
  { call, chain }: CallRequest,
  { models, prices }: Pick<RunServices, 'models' | 'prices'>,
): HoldRequest {
  const estimatedInputTokens = models.estimateInputTokens(call, chain);
  const now = new Date();
  const worst = (model: ModelName) =>
    Number(prices.worstCase(model, estimatedInputTokens, call.maxTokens, now) ?? Infinity);
  const model = chain.reduce((costliest, next) =>
    worst(next) > worst(costliest) ? next : costliest,
  );
  const { maxTokens } = call;
  const fallbacks = chain.filter((name) => name !== model);
  const provider = providerOf(model);
  return { tag, provider, model, fallbacks, estimatedInputTokens, maxTokens, envelope };
}

/** False when the output alone has no room: then there is nothing to be gained by counting the input. */
function mayFit(
  { model, maxTokens }: HoldRequest,
  remaining: string,
  { prices }: Pick<RunServices, 'prices'>,
): boolean {
  const output = prices.worstCase(model, 0, maxTokens, new Date());
  return output !== null && Number(output) <= Number(remaining);
}

const providerOf = (model: ModelName) =>
  model.includes('/') ? model.split('/', 1)[0]! : 'anthropic';
