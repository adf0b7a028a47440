import type { BudgetScope } from '../../kernel/budget.ts';
import type { Caller } from '../../kernel/principal.ts';
import { reachesAll } from '../../kernel/reach.ts';
import type { BudgetSubject } from '../../ledger/ledger.ts';
import type { GraphQLContext } from '../context.ts';
import { encodeGlobalId, parseId } from '../global-id.ts';
import { callerOf } from '../limits/access.ts';
import { forbidden } from '../limits/request-error.ts';

/** The subject of defaults, and of budgets of everything. */
const any = '*';

/** The user, the groups and the key whose budgets bind a caller whatever it asks for. */
export const subjectsOf = ({ userId, groups, apiKeyId }: Caller): BudgetSubject[] => [
  { scope: 'USER', subject: userId },
  ...groups.map((subject) => ({ scope: 'GROUP' as const, subject })),
  ...(apiKeyId === null ? [] : [{ scope: 'API_KEY' as const, subject: apiKeyId }]),
];

const isAmong = (subjects: readonly BudgetSubject[], { scope, subject }: BudgetSubject): boolean =>
  subjects.some((own) => own.scope === scope && own.subject === subject);

/** Defaults show a limit and no spending; all other budgets are for those whom they bind. */
export function mayReadBudget({ caller }: GraphQLContext, budget: BudgetSubject): boolean {
  if (caller === null) return false;
  const isDefault = budget.subject === any && budget.scope !== 'EVERYTHING';
  return isDefault || reachesAll(caller, 'budgets') || isAmong(subjectsOf(caller), budget);
}

/** As the ledger knows it: a key by its bare id. Throws BAD_USER_INPUT for what is no id. */
export const bareSubject = (scope: BudgetScope, subject: string, path: string[]): string =>
  scope === 'API_KEY' && subject !== any ? parseId('ApiKey', subject, path) : subject;

/** As the API shows it: a key by its global id. */
export const shownSubject = ({ scope, subject }: BudgetSubject): string =>
  scope === 'API_KEY' && subject !== any ? encodeGlobalId('ApiKey', subject) : subject;

/**
 * Subjects whose budgets to show: the one that is named, else the caller's own, or all (null) for roles that may read all.
 * Throws FORBIDDEN for a named subject that is not the caller's.
 */
export function askedSubjects(
  context: GraphQLContext,
  { scope, subject }: { scope?: BudgetScope | null; subject?: string | null },
): BudgetSubject[] | null {
  const caller = callerOf(context);
  const own = subjectsOf(caller);
  const isFree = reachesAll(caller, 'budgets');
  if (subject == null)
    return isFree ? null : own.filter((each) => scope == null || each.scope === scope);
  const named = {
    scope: scope ?? 'USER',
    subject: bareSubject(scope ?? 'USER', subject, ['subject']),
  };
  if (!isFree && !isAmong(own, named))
    throw forbidden('Your roles do not let you read the budgets of others.');
  return [named];
}
