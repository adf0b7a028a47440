/** The GraphQL operations that the agents' tests speak. */
const turns = `turns { number text cost toolCalls { id tool input output isError attempts durationMs approval { id status } } }`;
const agentRun = `id status text output cost error { code message } usage { outputTokens }
  ${turns} approvals { id tool input status decidedBy reason }`;

export const RUN_AGENT = `mutation ($input: RunAgentInput!) { runAgent(input: $input) {
  __typename ... on AgentRun { ${agentRun} } ... on Error { code message } } }`;
export const AGENT_RUN = `query ($id: ID!) { run(id: $id) { ... on AgentRun { ${agentRun} } } }`;
export const DECIDE = `mutation ($input: DecideApprovalInput!) { decideApproval(input: $input) {
  __typename ... on Approval { id status decidedBy reason input } ... on Error { code message } } }`;
export const CANCEL = `mutation ($id: ID!) { cancelRun(id: $id) { __typename ... on AgentRun { status } ... on Error { code } } }`;
export const PENDING = 'query { approvals(first: 50) { edges { node { id runId tool input } } } }';

const event = `__typename runId cursor
  ... on RunStarted { model } ... on TextDelta { text } ... on ThinkingDelta { text }
  ... on ToolCallStarted { callId tool input } ... on ToolCallFinished { callId tool output isError attempts }
  ... on ApprovalRequested { approval { id status } } ... on ApprovalDecided { approval { id status } }
  ... on TurnFinished { turn { number text toolCalls { tool isError attempts } } } ... on TurnRestarted { number }
  ... on RunFinished { run { status } } ... on RunFailed { error { code message } }`;
export const AGENT_EVENTS = `subscription ($input: RunAgentInput!) { agent(input: $input) { ${event} } }`;
export const RUN_EVENTS = `subscription ($id: ID!, $after: String) { runEvents(runId: $id, after: $after) { ${event} } }`;

export interface ToolCallView {
  id: string;
  tool: string;
  input: unknown;
  output: unknown;
  isError: boolean;
  attempts: number;
  durationMs: number | null;
  approval: { id: string; status: string } | null;
}

export interface AgentRunView {
  __typename?: string;
  id: string;
  status: string;
  text: string;
  output: unknown;
  cost: string | null;
  error: { code: string; message: string } | null;
  usage: { outputTokens: number };
  turns: { number: number; text: string; cost: string | null; toolCalls: ToolCallView[] }[];
  approvals: {
    id: string;
    tool: string;
    input: unknown;
    status: string;
    decidedBy: string | null;
    reason: string | null;
  }[];
  code?: string;
  message?: string;
}

export interface AgentEventView {
  __typename: string;
  runId: string;
  cursor: string;
  text?: string;
  callId?: string;
  tool?: string;
  isError?: boolean;
  number?: number;
  approval?: { id: string; status: string };
  turn?: { number: number; text: string };
  error?: { code: string; message: string };
}

interface Client {
  data<Data>(query: string, variables?: object): Promise<Data>;
}

/** Starts an agent and answers at once, unless `wait` is asked for. */
export async function runAgent(
  client: Client,
  message: string,
  input: { agent?: string; wait?: boolean; maxTurns?: number; options?: object } = {},
): Promise<AgentRunView> {
  const variables = { input: { agent: 'clerk', wait: false, message, ...input } };
  const { runAgent } = await client.data<{ runAgent: AgentRunView }>(RUN_AGENT, variables);
  return runAgent;
}

export async function readRun(client: Client, id: string): Promise<AgentRunView> {
  return (await client.data<{ run: AgentRunView }>(AGENT_RUN, { id })).run;
}

/** The run once it is in this state. */
export async function runWhen(client: Client, id: string, status: string): Promise<AgentRunView> {
  const until = Date.now() + 15_000;
  while (true) {
    const run = await readRun(client, id);
    if (run.status === status) return run;
    if (Date.now() > until) throw new Error(`not ${status}, but ${JSON.stringify(run)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export async function decide(
  client: Client,
  input: { approvalId: string; approve: boolean; reason?: string; editedInput?: object },
): Promise<{
  __typename: string;
  status?: string;
  code?: string;
  message?: string;
  decidedBy?: string;
}> {
  return (await client.data<{ decideApproval: { __typename: string } }>(DECIDE, { input }))
    .decideApproval;
}

/** Instructions to the demo model: these calls in one turn. */
export const calls = (...made: [tool: string, input: object][]): string =>
  made.map(([tool, input]) => `[demo:tool ${tool} ${JSON.stringify(input)}]`).join('');

/** A run's id as its tools and tables know it. */
export const rawId = (globalId: string): string =>
  Buffer.from(globalId, 'base64').toString().split(':').at(-1)!;
