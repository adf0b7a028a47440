export type BudgetPeriod = 'DAILY' | 'MONTHLY';

/** What the subject of a budget names. EVERYTHING has the one subject "*". */
export type BudgetScope = 'USER' | 'GROUP' | 'API_KEY' | 'TAG' | 'MODEL' | 'EVERYTHING';
