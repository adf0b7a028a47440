import type { ErrorCode } from '../../kernel/errors.ts';
import type { BudgetRecord } from '../../ledger/ledger.ts';
import type { Builder } from '../builder.ts';
import { encodeGlobalId } from '../global-id.ts';
import { type ErrorData, errorTypeName } from './error-data.ts';

/** Codes whose error tells no more than every error does, with what they mean. */
const plainErrors = {
  PROMPT_NOT_FOUND: 'No prompt of this name, or none of its versions is the one asked for.',
  MODEL_NOT_FOUND: 'No provider of this server has the model.',
  MODEL_TIMEOUT: 'The model did not answer in time.',
  MODEL_UNAVAILABLE: 'The provider could not be reached, or refused the call.',
  MODEL_REFUSED: 'The model declined to answer.',
  COLLECTION_NOT_FOUND: 'No collection of this name.',
  EMBEDDING_UNAVAILABLE: 'The embedder could not be reached.',
  AGENT_NOT_FOUND: 'No agent of this name.',
  MAX_TURNS_EXCEEDED: 'The agent had no answer after its last turn.',
  APPROVAL_CONFLICT: 'The approval is decided already, or has expired.',
  RUN_NOT_FOUND: 'No such run, or another user’s.',
  RUN_CANCELLED: 'The run was stopped.',
  RUN_INTERRUPTED: 'The server that executed the run went away.',
  NOT_FOUND: 'No such thing, or not visible to the caller.',
  CONFLICT: 'It contradicts what is there.',
  FORBIDDEN: 'The roles or the scopes of the key do not allow it.',
} as const;

const issueErrors = {
  PROMPT_VARIABLES_INVALID: 'The variables are not what the prompt declares.',
  TEMPLATE_INVALID: 'The template does not parse, or uses what the prompt does not declare.',
  EXPERIMENT_INVALID: 'The experiment cannot be run as it is described.',
} as const;

const waitErrors = {
  MODEL_RATE_LIMITED: 'The provider’s rate limit is reached.',
  MODEL_OVERLOADED: 'The provider is overloaded.',
  RATE_LIMITED: 'A limit of the key is reached.',
} as const;

const codesOf = <Code extends ErrorCode>(errors: Record<Code, string>) =>
  Object.entries(errors) as [Code, string][];

/** The budget that refused, as it stood then. */
function refusingBudget({ details }: ErrorData<'BUDGET_EXCEEDED'>): BudgetRecord {
  const { budget, remaining } = details;
  // Runs of before budgets had scopes ended with errors that name none.
  const { scope = 'USER' } = budget;
  return { ...budget, scope, remaining, resetsAt: new Date(budget.resetsAt) };
}

function declareInterface(builder: Builder): void {
  builder.interfaceType('Error', {
    description:
      'What a caller can act on comes back as data. Authentication, malformed documents and limits come in `errors[]` with `extensions.code`; anything unexpected is masked and logged with its request id.',
    resolveType: (error) => errorTypeName(error.code),
    fields: (t) => ({
      code: t.expose('code', { type: 'ErrorCode' }),
      message: t.exposeString('message'),
      retryable: t.exposeBoolean('retryable', {
        description: 'True when the same call may succeed later without being changed.',
      }),
      runId: t.id({
        nullable: true,
        description: 'The run that failed, where one was started.',
        resolve: ({ runId }) => runId && encodeGlobalId('Run', runId),
      }),
    }),
  });
  builder.objectType('Issue', {
    description:
      'One problem at one place of an input: the path from the outside in, and what to do.',
    fields: (t) => ({ path: t.exposeStringList('path'), message: t.exposeString('message') }),
  });
}

function declareDetailedErrors(builder: Builder): void {
  for (const [code, description] of codesOf(issueErrors)) {
    builder.objectType(errorTypeName(code), {
      description,
      interfaces: ['Error'],
      fields: (t) => ({
        issues: t.field({ type: ['Issue'], resolve: ({ details }) => details.issues }),
      }),
    });
  }
  for (const [code, description] of codesOf(waitErrors)) {
    builder.objectType(errorTypeName(code), {
      description,
      interfaces: ['Error'],
      fields: (t) => ({
        retryAfterMs: t.int({
          nullable: true,
          description: 'Time to wait before the next attempt, where it is known.',
          resolve: ({ details }) => details.retryAfterMs,
        }),
      }),
    });
  }
}

function declareOwnErrors(builder: Builder): void {
  builder.objectType('BudgetExceededError', {
    description: 'The worst case of the call does not fit a budget that applies.',
    interfaces: ['Error'],
    fields: (t) => ({
      budget: t.field({
        type: 'Budget',
        description:
          'The budget without room, as it stood then. The `maxCost` of a run or an access token shows as one of the subject "run:…" or "token:…": it is no node, has no scope or period and never resets.',
        resolve: refusingBudget,
      }),
      remaining: t.field({ type: 'USD', resolve: ({ details }) => details.remaining }),
      estimated: t.field({
        type: 'USD',
        description: 'The worst case of the call.',
        resolve: ({ details }) => details.estimated,
      }),
      heldByOthers: t.field({
        type: 'USD',
        description: 'Held for other calls in flight: what of it is not spent comes back.',
        resolve: ({ details }) => details.heldByOthers,
      }),
      resetsAt: t.field({ type: 'DateTime', resolve: ({ details }) => details.budget.resetsAt }),
    }),
  });
  builder.objectType('OutputInvalidError', {
    description: 'The model’s answer is not of the prompt’s output schema.',
    interfaces: ['Error'],
    fields: (t) => ({
      text: t.string({
        description: 'The answer as it came.',
        resolve: ({ details }) => details.text,
      }),
      issues: t.field({ type: ['Issue'], resolve: ({ details }) => details.issues }),
    }),
  });
}

/** The `Error` interface and one concrete type for every code. */
export function declareErrors(builder: Builder): void {
  declareInterface(builder);
  for (const [code, description] of codesOf(plainErrors)) {
    builder.objectType(errorTypeName(code), { description, interfaces: ['Error'] });
  }
  declareDetailedErrors(builder);
  declareOwnErrors(builder);
}
