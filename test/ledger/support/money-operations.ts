import type { TestServer } from '../../support/start-test-server.ts';

/** The GraphQL operations that the tests of money and model calls speak. */
const error = `... on Error { code message retryable runId }
  ... on BudgetExceededError { remaining estimated heldByOthers resetsAt
    budget { subject period limit spent held remaining resetsAt } }`;
const usage = 'usage { inputTokens outputTokens cacheReadTokens cacheWriteTokens estimated }';
const completion = `id status text model cached degraded stopReason cost output ${usage}`;

export const COMPLETE = `mutation ($input: CompleteInput!) { complete(input: $input) {
  __typename ... on Completion { ${completion} } ${error} } }`;
export const STREAM = `subscription ($input: CompleteInput!) { completion(input: $input) {
  __typename runId ... on TextDelta { text } ... on RunFinished { run { id status cost ${usage} } }
  ... on RunFailed { error { code message retryable } } } }`;
export const RUN = `query ($id: ID!) { run(id: $id) { id status cost ${usage} error { code }
  ... on Completion { text cached degraded } } }`;
export const CANCEL = 'mutation ($id: ID!) { cancelRun(id: $id) { __typename } }';
export const SET_BUDGET = `mutation ($input: SetBudgetInput!) { setBudget(input: $input) { id limit } }`;
export const AGENT = `mutation ($input: RunAgentInput!) { runAgent(input: $input) { __typename
  ... on AgentRun { id status text cost turns { number cost } ${usage} error { code retryable } } ${error} } }`;
export const ASK = `mutation ($input: AskInput!) { ask(input: $input) {
  __typename ... on Answer { id status text cost } ${error} } }`;

export interface Outcome {
  __typename: string;
  id: string;
  status: string;
  text: string;
  model: string;
  cached: boolean;
  degraded: boolean;
  stopReason: string;
  cost: string | null;
  output: unknown;
  usage: { inputTokens: number; outputTokens: number; estimated: boolean };
  code: string;
  message: string;
  retryable: boolean;
  runId: string | null;
  remaining: string;
  estimated: string;
  heldByOthers: string;
  resetsAt: string;
  budget: Record<string, string>;
  turns: { number: number; cost: string | null }[];
  error: { code: string; retryable: boolean } | null;
}

export interface StreamEvent {
  __typename: string;
  runId: string;
  text?: string;
  run?: Pick<Outcome, 'id' | 'status' | 'cost' | 'usage'>;
  error?: { code: string; message: string; retryable: boolean };
}

export interface Asked {
  as?: string | null;
  model?: string;
  maxTokens?: number;
  system?: string;
  options?: object;
}

export const inputOf = (text: string, { as: _, ...rest }: Asked = {}): object => ({
  input: { prompt: { text }, ...rest },
});

const caller = ({ as }: Asked): { as?: string | null } => (as === undefined ? {} : { as });

export async function complete(
  server: Pick<TestServer, 'data'>,
  text: string,
  asked: Asked = {},
): Promise<Outcome> {
  const data = await server.data<{ complete: Outcome }>(
    COMPLETE,
    inputOf(text, asked),
    caller(asked),
  );
  return data.complete;
}

/** A completion of a named prompt. */
export async function completeNamed(
  server: Pick<TestServer, 'data'>,
  name: string,
  text: string,
  options: object = {},
): Promise<Outcome> {
  const prompt = { named: { name, variables: { text } } };
  const { complete } = await server.data<{ complete: Outcome }>(COMPLETE, {
    input: { prompt, options },
  });
  return complete;
}

export async function runAgent(
  server: Pick<TestServer, 'data'>,
  message: string,
  options: object = {},
): Promise<Outcome> {
  const input = { agent: 'clerk', message, options };
  return (await server.data<{ runAgent: Outcome }>(AGENT, { input })).runAgent;
}

export async function setBudget(
  server: Pick<TestServer, 'data'>,
  subject: string,
  limit: string,
  period: 'DAILY' | 'MONTHLY' = 'DAILY',
): Promise<void> {
  await server.data(SET_BUDGET, { input: { subject, limit, period } });
}
