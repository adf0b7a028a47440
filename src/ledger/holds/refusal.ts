import { DomainError } from '../../kernel/errors.ts';
import type { Usd } from '../../kernel/prices.ts';
import type { HoldRequest } from '../ledger.ts';
import { amount, dollars, usd } from '../usd.ts';

/** Why `ledger_hold` found no room, as it tells it. */
export interface Refusal {
  id: string;
  /** Waiting for other calls to end would not help. */
  final: boolean;
  /** The price is not known, and a budget applies. */
  unknown: boolean;
  budgetId: string;
  subject: string;
  period: 'DAILY' | 'MONTHLY' | 'RUN';
  limit: Usd;
  spent: Usd;
  held: Usd;
  resetsAt: string;
}

const names = { DAILY: 'daily budget', MONTHLY: 'monthly budget', RUN: 'maxCost of the run' };
const spans = { DAILY: ' today', MONTHLY: ' this month', RUN: '' };

/** BUDGET_EXCEEDED with everything that a caller needs to decide what to do. */
export function refusalError(
  refusal: Refusal,
  request: HoldRequest,
  estimated: Usd | null,
): DomainError<'BUDGET_EXCEEDED'> {
  const room = amount(refusal.limit).minus(refusal.spent).minus(refusal.held);
  const remaining = usd(room.isNegative() ? '0' : room);
  const resetsAt = new Date(refusal.resetsAt).toISOString();
  const message = refusal.unknown
    ? unknownPriceMessage(refusal, request)
    : noRoomMessage(refusal, request, { remaining, estimated: estimated ?? '0', resetsAt });
  return new DomainError('BUDGET_EXCEEDED', message, {
    retryable: !refusal.final && !refusal.unknown,
    details: {
      budget: {
        // No budget of the database: an id that could be taken for one's would lead nowhere.
        id: refusal.period === 'RUN' ? refusal.subject : refusal.budgetId,
        subject: refusal.subject,
        period: refusal.period === 'MONTHLY' ? 'MONTHLY' : 'DAILY',
        limit: refusal.limit,
        spent: refusal.spent,
        held: refusal.held,
        resetsAt,
      },
      remaining,
      estimated: estimated ?? '0',
      heldByOthers: refusal.held,
    },
  });
}

function noRoomMessage(
  refusal: Refusal,
  request: HoldRequest,
  figures: { remaining: Usd; estimated: Usd; resetsAt: string },
): string {
  const left = `${dollars(figures.remaining, 'down')} left of ${dollars(refusal.limit, 'down')}${spans[refusal.period]}`;
  const cost = `this call could cost up to ${dollars(figures.estimated, 'up')}`;
  const advice = refusal.final
    ? adviceWhenFinal(refusal, request, amount(figures.remaining).isZero())
    : `${dollars(refusal.held, 'up')} is held by calls in flight, try again when they have ended`;
  const reset = refusal.period === 'RUN' ? '' : `; resets at ${figures.resetsAt}`;
  return `The ${names[refusal.period]} has no room for this call: ${left}, ${cost}; ${advice}${reset}.`;
}

function adviceWhenFinal(
  { period }: Refusal,
  { embedding = false }: HoldRequest,
  nothingLeft: boolean,
): string {
  const more = period === 'RUN' ? 'allow a higher maxCost' : 'have the limit raised';
  if (nothingLeft) return period === 'RUN' ? more : `wait for the reset or ${more}`;
  return `${embedding ? 'embed less at once' : 'ask for fewer tokens'} or ${more}`;
}

const unknownPriceMessage = (refusal: Refusal, request: HoldRequest): string =>
  `The price of ${request.model} is not known, so the ${names[refusal.period]} of ${dollars(refusal.limit, 'down')} cannot be kept: choose a model with a known price, or have its price added.`;
