import type { BudgetPeriod, BudgetScope } from '../../../src/kernel/budget.ts';
import type { BudgetSubject, Hold, UsageTag } from '../../../src/ledger/ledger.ts';

/** Attribution and size, in tokens, of a call in flight or ended. */
interface Charged {
  tag: UsageTag;
  model: string;
  day: string;
  tokens: number;
}

interface Bounded {
  scope: BudgetScope | 'RUN' | 'TOKEN';
  subject: string;
  period: BudgetPeriod | 'TOTAL';
}

export interface Spending {
  spent: number;
  held: number;
}

const periods: readonly BudgetPeriod[] = ['DAILY', 'MONTHLY'];
const keyOf = ({ scope, subject, period }: Bounded): string => `${scope} ${subject} ${period}`;

/** What the ledger should know, kept in whole tokens by the simplest means: sums over every call there was. */
export class ReferenceLedger {
  clock = new Date('2026-01-29T20:00:00.000Z');
  readonly #limits = new Map<string, number>();
  readonly open: (Charged & { hold: Hold })[] = [];
  readonly #ended: Charged[] = [];

  setLimit(bounded: Bounded, tokens: number): void {
    this.#limits.set(keyOf(bounded), tokens);
  }

  removeLimit(bounded: Bounded): void {
    this.#limits.delete(keyOf(bounded));
  }

  /** What pays for a call, in every period. */
  boundsOf({ tag, model }: Pick<Charged, 'tag' | 'model'>): Bounded[] {
    const subjects: BudgetSubject[] = [
      { scope: 'USER', subject: tag.userId },
      ...tag.groups.map((subject) => ({ scope: 'GROUP' as const, subject })),
      ...(tag.apiKeyId ? [{ scope: 'API_KEY' as const, subject: tag.apiKeyId }] : []),
      ...tag.tags.map((subject) => ({ scope: 'TAG' as const, subject })),
      { scope: 'MODEL', subject: model },
      { scope: 'EVERYTHING', subject: '*' },
    ];
    return [
      ...subjects.flatMap((subject) => periods.map((period) => ({ ...subject, period }))),
      ...tag.accessTokens.map((subject) => ({
        scope: 'TOKEN' as const,
        subject,
        period: 'TOTAL' as const,
      })),
    ];
  }

  limitOf(bounded: Bounded): number {
    const own = this.#limits.get(keyOf(bounded));
    const byDefault = this.#limits.get(keyOf({ ...bounded, subject: '*' }));
    return own ?? byDefault ?? Number.POSITIVE_INFINITY;
  }

  spendingOf(bounded: Bounded): Spending {
    const isOf = (call: Charged): boolean =>
      call.day.startsWith(this.#start(bounded.period)) &&
      this.boundsOf(call).some((each) => keyOf(each) === keyOf(bounded));
    const sum = (calls: readonly Charged[]): number =>
      calls.filter(isOf).reduce((total, { tokens }) => total + tokens, 0);
    return { spent: sum(this.#ended), held: sum(this.open) };
  }

  /** How many calls of this size still fit. */
  room(call: Pick<Charged, 'tag' | 'model'>, size: number): number {
    const rooms = this.boundsOf(call).map((bounded) => {
      const { spent, held } = this.spendingOf(bounded);
      return Math.floor((this.limitOf(bounded) - spent - held) / size);
    });
    return Math.max(0, Math.min(...rooms));
  }

  /** Whether a call of this size would fit once all others have ended at no cost. */
  mayFitLater(call: Pick<Charged, 'tag' | 'model'>, size: number): boolean {
    return this.boundsOf(call).every(
      (bounded) => this.spendingOf(bounded).spent + size <= this.limitOf(bounded),
    );
  }

  held(hold: Hold, call: Pick<Charged, 'tag' | 'model' | 'tokens'>): void {
    this.open.push({ ...call, hold, day: this.clock.toISOString().slice(0, 10) });
  }

  end(index: number, spent: number): Hold {
    const [{ hold, ...call }] = this.open.splice(index, 1) as [(typeof this.open)[number]];
    this.#ended.push({ ...call, tokens: spent });
    return hold;
  }

  #start(period: Bounded['period']): string {
    if (period === 'TOTAL') return '';
    return this.clock.toISOString().slice(0, period === 'DAILY' ? 10 : 7);
  }
}
