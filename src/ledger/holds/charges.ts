import type { BudgetScope } from '../../kernel/budget.ts';
import type { Usd } from '../../kernel/prices.ts';
import type { HoldRequest, UsageTag } from '../ledger.ts';

/** A run with a limit of its own, or an access token: their bounds are not budgets, and never reset. */
type EnvelopeScope = 'RUN' | 'TOKEN';

export type ChargeScope = BudgetScope | EnvelopeScope;

/** What a call may cost one of those who pay for it; null where the price is not known. */
export interface Charge {
  scope: ChargeScope;
  subject: string;
  amount: Usd | null;
}

/** Everything that pays for a call: `worstCase` says what each of its models may cost. */
export function chargesOf(
  request: HoldRequest,
  worstCase: (model: string) => Usd | null,
): Charge[] {
  const { tag, model, fallbacks = [] } = request;
  const amount = worstCase(model);
  const whole = (scope: ChargeScope) => (subject: string) => ({ scope, subject, amount });
  const models = [...new Set([model, ...fallbacks])];
  return [
    whole('USER')(tag.userId),
    ...[...new Set(tag.groups)].map(whole('GROUP')),
    ...(tag.apiKeyId === null ? [] : [whole('API_KEY')(tag.apiKeyId)]),
    ...[...new Set(tag.tags)].map(whole('TAG')),
    ...models.map((name) => ({ scope: 'MODEL' as const, subject: name, amount: worstCase(name) })),
    whole('EVERYTHING')('*'),
    ...envelopesOf(tag, request.envelope?.runId ?? null).map(([scope, id]) => whole(scope)(id)),
  ];
}

/** The run with a limit of its own and the access tokens that pay for a call. */
export const envelopesOf = (
  tag: Pick<UsageTag, 'accessTokens'>,
  envelopeRunId: string | null,
): [EnvelopeScope, string][] => [
  ...(envelopeRunId === null ? [] : [['RUN', envelopeRunId] as [EnvelopeScope, string]]),
  ...tag.accessTokens.map((id): [EnvelopeScope, string] => ['TOKEN', id]),
];
