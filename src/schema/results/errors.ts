import { type ErrorCode, errorCodes } from '../../kernel/errors.ts';
import type { BudgetRecord } from '../../ledger/ledger.ts';
import type { Builder } from '../builder.ts';
import { encodeGlobalId } from '../global-id.ts';
import { type ErrorData, errorTypeName } from './error-data.ts';
import { errorDescriptions } from './error-descriptions.ts';

/** Codes whose error has issues. */
const issueCodes = ['PROMPT_VARIABLES_INVALID', 'TEMPLATE_INVALID', 'EXPERIMENT_INVALID'] as const;

/** Codes whose error may say how long to wait. */
const waitCodes = ['MODEL_RATE_LIMITED', 'MODEL_OVERLOADED', 'RATE_LIMITED'] as const;

/** Codes whose error has details of its own. */
const ownCodes = ['BUDGET_EXCEEDED', 'OUTPUT_INVALID'] as const;

const detailedCodes: readonly ErrorCode[] = [...issueCodes, ...waitCodes, ...ownCodes];

/** Codes whose error has the fields of `Error` only. */
const plainCodes = (Object.keys(errorCodes) as ErrorCode[]).filter(
  (code) => !detailedCodes.includes(code),
);

/** The budget that refused, as it stood then. */
function refusingBudget({ details }: ErrorData<'BUDGET_EXCEEDED'>): BudgetRecord {
  const { budget, remaining } = details;
  return { ...budget, remaining, resetsAt: new Date(budget.resetsAt) };
}

function declareInterface(builder: Builder): void {
  builder.interfaceType('Error', {
    description:
      'An error that a caller can act on, returned as data. Authentication, malformed documents and limits come in `errors[]` with `extensions.code`. Anything unexpected is masked and logged with its request id.',
    resolveType: (error) => errorTypeName(error.code),
    fields: (t) => ({
      code: t.expose('code', {
        type: 'ErrorCode',
        description:
          'The code, by which clients decide what to do. Clients MUST ignore codes they do not know.',
      }),
      message: t.exposeString('message', {
        description: 'A message for developers: what is wrong and what to do next.',
      }),
      retryable: t.exposeBoolean('retryable', {
        description: 'True when the same call may succeed later without being changed.',
      }),
      runId: t.id({
        nullable: true,
        description: 'The run that failed; null if none was started.',
        resolve: ({ runId }) => runId && encodeGlobalId('Run', runId),
      }),
    }),
  });
  builder.objectType('Issue', {
    description: 'A problem at one place of an input.',
    fields: (t) => ({
      path: t.exposeStringList('path', { description: 'Path to the place, from the outside in.' }),
      message: t.exposeString('message', { description: 'What to change.' }),
    }),
  });
}

function declareDetailedErrors(builder: Builder): void {
  for (const code of issueCodes) {
    builder.objectType(errorTypeName(code), {
      description: errorDescriptions[code],
      interfaces: ['Error'],
      fields: (t) => ({
        issues: t.field({
          type: ['Issue'],
          description: 'What is wrong, one entry for each place.',
          resolve: ({ details }) => details.issues,
        }),
      }),
    });
  }
  for (const code of waitCodes) {
    builder.objectType(errorTypeName(code), {
      description: errorDescriptions[code],
      interfaces: ['Error'],
      fields: (t) => ({
        retryAfterMs: t.int({
          nullable: true,
          description: 'Time to wait before the next attempt; null if unknown.',
          resolve: ({ details }) => details.retryAfterMs,
        }),
      }),
    });
  }
}

function declareOwnErrors(builder: Builder): void {
  builder.objectType('BudgetExceededError', {
    description: errorDescriptions.BUDGET_EXCEEDED,
    interfaces: ['Error'],
    fields: (t) => ({
      budget: t.field({
        type: 'Budget',
        description: `The budget without room, as it stood then. A run's own \`maxCost\` shows as a budget of the subject "run:…": it is no node, has no period and never resets.`,
        resolve: refusingBudget,
      }),
      remaining: t.field({
        type: 'USD',
        description: 'Room that was left in the budget.',
        resolve: ({ details }) => details.remaining,
      }),
      estimated: t.field({
        type: 'USD',
        description: 'The worst case of the call.',
        resolve: ({ details }) => details.estimated,
      }),
      heldByOthers: t.field({
        type: 'USD',
        description: 'Amount held for other calls in flight. What they do not spend is released.',
        resolve: ({ details }) => details.heldByOthers,
      }),
      resetsAt: t.field({
        type: 'DateTime',
        description: "The time when the budget's window ends.",
        resolve: ({ details }) => details.budget.resetsAt,
      }),
    }),
  });
  builder.objectType('OutputInvalidError', {
    description: errorDescriptions.OUTPUT_INVALID,
    interfaces: ['Error'],
    fields: (t) => ({
      text: t.string({
        description: 'The answer as it came.',
        resolve: ({ details }) => details.text,
      }),
      issues: t.field({
        type: ['Issue'],
        description: 'Where the answer does not match the schema.',
        resolve: ({ details }) => details.issues,
      }),
    }),
  });
}

/** The `Error` interface and one concrete type for every code. */
export function declareErrors(builder: Builder): void {
  declareInterface(builder);
  for (const code of plainCodes) {
    const description = errorDescriptions[code];
    builder.objectType(errorTypeName(code), { description, interfaces: ['Error'] });
  }
  declareDetailedErrors(builder);
  declareOwnErrors(builder);
}
