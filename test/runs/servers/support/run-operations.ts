/** An event as these tests ask for it. */
export interface StreamEvent {
  __typename: string;
  runId: string;
  cursor: string;
  text?: string;
  run?: { status: string; text: string };
  error?: { code: string };
}

const fields = `__typename runId cursor
  ... on TextDelta { text }
  ... on RunFinished { run { status ... on Completion { text } ... on AgentRun { text } } }
  ... on RunFailed { error { code } }`;

export const COMPLETION = `subscription Completion($input: CompleteInput!) { completion(input: $input) { ${fields} } }`;
export const AGENT = `subscription Agent($input: RunAgentInput!) { agent(input: $input) { ${fields} } }`;
export const EVENTS = `subscription Events($id: ID!, $after: String) { runEvents(runId: $id, after: $after) { ${fields} } }`;
export const COMPLETE = `mutation Complete($input: CompleteInput!) { complete(input: $input) {
  __typename ... on Completion { id status text cached cost } ... on Error { code retryable } } }`;
export const CANCEL = `mutation Cancel($id: ID!) { cancelRun(id: $id) {
  __typename ... on Completion { status text } ... on AgentRun { status } ... on Error { code } } }`;
export const RUN = `query Run($id: ID!) { run(id: $id) {
  status usage { outputTokens estimated } error { code } ... on Completion { text } ... on AgentRun { text } } }`;

/** The run as `RUN` tells it. */
export interface RunState {
  run: {
    status: string;
    text: string;
    usage: { outputTokens: number; estimated: boolean };
    error: { code: string } | null;
  } | null;
}

/** The input of `COMPLETION` and `COMPLETE`. */
export const asking = (text: string, options: object = {}) => ({
  input: { prompt: { text }, options: { cache: 'BYPASS', ...options } },
});

export const textOf = (events: readonly StreamEvent[]): string =>
  events.map((event) => (event.__typename === 'TextDelta' ? event.text : '')).join('');
