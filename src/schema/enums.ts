import type { Builder } from './builder.ts';
import { errorDescriptions } from './results/error-descriptions.ts';
import type { TypeMap } from './type-map.ts';

/** Enums: a description of each, and of each value. */
type Enums = {
  [Name in keyof TypeMap['Scalars']]?: [
    description: string,
    values: Record<TypeMap['Scalars'][Name]['Output'] & string, string>,
  ];
};

const enums: Enums = {
  AlertKind: [
    'The cause of an alert.',
    {
      HIGH_COST_REQUEST: 'A run cost more than the threshold of the deployment.',
      BUDGET_THRESHOLD: 'Spend reached a part of a budget.',
      BUDGET_EXCEEDED: 'A budget refused a call.',
    },
  ],
  ApprovalStatus: [
    'State of an approval.',
    {
      PENDING: 'Waits for a decision.',
      APPROVED: 'The call may be made, once.',
      REJECTED: 'The call is not made. The model reads the reason.',
      EXPIRED: 'Nobody decided in time. The call is not made.',
    },
  ],
  BudgetPeriod: [
    'Window of a budget, in the time zone of the deployment.',
    { DAILY: 'From midnight to midnight.', MONTHLY: 'A calendar month.' },
  ],
  BusyPolicy: [
    'Handling of a run whose predecessor is not over.',
    {
      REJECT: 'Refuses it with CONFLICT.',
      QUEUE: 'Starts it when the predecessor is over, in the order of arrival.',
      CANCEL: 'Cancels the predecessor and continues from what it said.',
    },
  ],
  CacheMode: [
    'Use of the response cache.',
    {
      DEFAULT: 'Answers from the cache if it has the answer, else calls the model and stores it.',
      BYPASS: 'Calls the model; reads and writes no cache.',
      REFRESH: 'Calls the model and replaces the stored answer.',
    },
  ],
  CostDimension: [
    'A dimension to group costs by.',
    {
      MODEL: 'The model that was called.',
      USER: 'The user who pays.',
      PROMPT: 'Name of the registered prompt.',
      PROMPT_VERSION: 'Version of the registered prompt.',
      VARIANT: 'Experiment and variant.',
      KIND: 'Kind of the run.',
      API_KEY: 'The API key of the request.',
    },
  ],
  DisconnectPolicy: [
    'What a lost connection does to a run.',
    {
      CANCEL: 'Cancels the run when its last reader is gone.',
      CONTINUE: 'The run continues. `runEvents` joins it again.',
    },
  ],
  ErrorCode: ['The code of an error that a caller can act on.', errorDescriptions],
  ExperimentStatus: [
    'State of an experiment.',
    {
      DRAFT: 'Created, never started.',
      RUNNING: 'Decides which version a call uses.',
      STOPPED: 'Decides no longer.',
    },
  ],
  HistoryPolicy: [
    "Handling of a conversation that does not fit the model's window.",
    {
      DROP_OLDEST: 'Leaves out whole exchanges, oldest first.',
      SUMMARIZE: 'Sends a summary in place of the oldest exchanges.',
      FAIL: 'Refuses the run with MODEL_REFUSED before the call.',
    },
  ],
  MessageRole: ['Author of a message.', { USER: 'The user.', ASSISTANT: 'The model.' }],
  OutputFields: [
    'Output fields that a model is asked for.',
    { SELECTED: 'Those that the operation selects.', WHOLE: 'All of them.' },
  ],
  Role: [
    'What a caller may do. A caller may have several roles.',
    {
      ADMIN: 'May do and read everything.',
      OPERATOR:
        'Manages the keys of users, budgets and alerts, and reads server state and all runs without content.',
      EDITOR: 'Edits prompts, experiments and collections.',
      APPROVER: 'Decides on tool calls that ask others than the owner.',
      AUDITOR: 'Reads all runs with content, all costs and the audit log.',
      USER: 'Calls models and reads its own runs.',
    },
  ],
  RunKind: [
    'Kind of a run or of a model call.',
    {
      COMPLETION: 'A `Completion`.',
      ANSWER: 'An `Answer`.',
      AGENT: 'An `AgentRun`.',
      EMBEDDING: 'An `IngestRun`, or a call of an embedder.',
    },
  ],
  RunStatus: [
    'State of a run. SUCCEEDED, FAILED and CANCELLED are final.',
    {
      QUEUED: 'Waits for the runs of its conversation that came before.',
      RUNNING: 'In progress on a server.',
      WAITING_FOR_APPROVAL: 'Waits for a decision on a tool call. Its deadline stands still.',
      SUCCEEDED: 'Ended with an answer.',
      FAILED: 'Ended with an error; what it did before is kept.',
      CANCELLED: 'Ended by a cancel or by the loss of its last reader.',
    },
  ],
  SearchMode: [
    'Signals that a search uses.',
    {
      HYBRID: 'Keywords and vectors together.',
      SEMANTIC: 'Vectors only.',
      KEYWORD: 'Keywords only.',
    },
  ],
  StatsBucket: [
    'Length of a bucket of a series.',
    {
      MINUTE: 'One minute.',
      HOUR: 'One hour.',
      DAY: 'One day in the time zone of the deployment.',
      MONTH: 'One calendar month in the time zone of the deployment.',
    },
  ],
};

export function declareEnums(builder: Builder): void {
  for (const [name, [description, values]] of Object.entries(enums)) {
    builder.enumType(name, {
      description,
      values: Object.fromEntries(
        Object.entries(values).map(([value, meaning]) => [value, { description: meaning }]),
      ),
    });
  }
}
