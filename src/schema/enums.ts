import { type ErrorCode, errorCodes } from '../kernel/errors.ts';
import { roles } from '../kernel/principal.ts';
import type { Builder } from './builder.ts';

const values = {
  AlertKind: ['HIGH_COST_REQUEST', 'BUDGET_THRESHOLD', 'BUDGET_EXCEEDED'],
  ApprovalStatus: ['PENDING', 'APPROVED', 'REJECTED', 'EXPIRED'],
  BudgetPeriod: ['DAILY', 'MONTHLY'],
  BudgetScope: ['USER', 'GROUP', 'API_KEY', 'TAG', 'MODEL', 'EVERYTHING'],
  CacheMode: ['DEFAULT', 'BYPASS', 'REFRESH'],
  CostDimension: ['MODEL', 'USER', 'PROMPT', 'PROMPT_VERSION', 'VARIANT', 'KIND', 'API_KEY'],
  DisconnectPolicy: ['CANCEL', 'CONTINUE'],
  ErrorCode: Object.keys(errorCodes) as ErrorCode[],
  ExperimentStatus: ['DRAFT', 'RUNNING', 'STOPPED'],
  MessageRole: ['USER', 'ASSISTANT'],
  Role: roles,
  OutputFields: ['SELECTED', 'WHOLE'],
  RunKind: ['COMPLETION', 'ANSWER', 'AGENT', 'EMBEDDING'],
  RunStatus: ['QUEUED', 'RUNNING', 'WAITING_FOR_APPROVAL', 'SUCCEEDED', 'FAILED', 'CANCELLED'],
  SearchMode: ['HYBRID', 'SEMANTIC', 'KEYWORD'],
  StatsBucket: ['MINUTE', 'HOUR', 'DAY', 'MONTH'],
} as const;

export function declareEnums(builder: Builder): void {
  for (const [name, names] of Object.entries(values)) builder.enumType(name, { values: names });
}
