import { DomainError } from '../../kernel/errors.ts';
import type { Usd } from '../../kernel/prices.ts';
import type { HoldRequest } from '../ledger.ts';
import { amount, dollars, usd } from '../usd.ts';
import type { ChargeScope } from './charges.ts';

/** Why `ledger_hold` found no room. */
export interface Refusal {
  id: string;
  /** Waiting for other calls to end would not help. */
  final: boolean;
  /** The price is not known, and a budget applies. */
  unknown: boolean;
  /** Null for a run and an access token. */
  budgetId: string | null;
  scope: ChargeScope;
  subject: string;
  period: 'DAILY' | 'MONTHLY' | 'TOTAL';
  limit: Usd;
  spent: Usd;
  held: Usd;
  resetsAt: string;
}

const periods = { DAILY: 'daily', MONTHLY: 'monthly', TOTAL: '' };
const spans = { DAILY: ' today', MONTHLY: ' this month', TOTAL: '' };

const names: Record<ChargeScope, (refusal: Refusal) => string> = {
  USER: ({ period }) => `${periods[period]} budget`,
  GROUP: ({ period, subject }) => `${periods[period]} budget of ${each(subject, 'group')}`,
  API_KEY: ({ period }) => `${periods[period]} budget of this API key`,
  TAG: ({ period, subject }) => `${periods[period]} budget of ${each(subject, 'tag')}`,
  MODEL: ({ period, subject }) => `${periods[period]} budget of ${each(subject, 'model')}`,
  EVERYTHING: ({ period }) => `${periods[period]} budget of everything`,
  RUN: () => 'maxCost of the run',
  TOKEN: () => 'maxCost of the access token',
};

const each = (subject: string, noun: string): string =>
  subject === '*' ? `each ${noun}` : `the ${noun} "${subject}"`;

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
        ...identityOf(refusal),
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

/** Limits of runs and tokens are no budgets of the database: an id that could be taken for one's would lead nowhere. */
function identityOf({ scope, subject, budgetId }: Refusal) {
  if (scope !== 'RUN' && scope !== 'TOKEN') return { id: budgetId ?? subject, scope, subject };
  const name = `${scope.toLowerCase()}:${subject}`;
  return { id: name, scope: 'USER' as const, subject: name };
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
  const reset = refusal.period === 'TOTAL' ? '' : `; resets at ${figures.resetsAt}`;
  return `The ${names[refusal.scope](refusal)} has no room for this call: ${left}, ${cost}; ${advice}${reset}.`;
}

const moreRoom = (scope: ChargeScope): string => {
  if (scope === 'RUN') return 'allow a higher maxCost';
  return scope === 'TOKEN' ? 'ask for another token' : 'have the limit raised';
};

function adviceWhenFinal(
  { scope, period }: Refusal,
  { embedding = false }: HoldRequest,
  nothingLeft: boolean,
): string {
  const more = moreRoom(scope);
  if (nothingLeft) return period === 'TOTAL' ? more : `wait for the reset or ${more}`;
  return `${embedding ? 'embed less at once' : 'ask for fewer tokens'} or ${more}`;
}

function unknownPriceMessage(refusal: Refusal, request: HoldRequest): string {
  const model =
    refusal.scope === 'MODEL' && refusal.subject !== '*' ? refusal.subject : request.model;
  return `The price of ${model} is not known, so the ${names[refusal.scope](refusal)} of ${dollars(refusal.limit, 'down')} cannot be kept: choose a model with a known price, or have its price added.`;
}
