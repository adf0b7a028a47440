import { stdin, stdout } from 'node:process';
import { createInterface } from 'node:readline/promises';
import { createClient } from 'graphql-ws';

const { TESSERA_URL = 'http://127.0.0.1:4000', TESSERA_ADMIN_KEY = '' } = process.env;
const message = process.argv[2] ?? 'Please look up order A-17 and refund order A-17.';

const client = createClient({
  url: `${TESSERA_URL.replace(/^http/, 'ws')}/graphql`,
  connectionParams: { authorization: `Bearer ${TESSERA_ADMIN_KEY}` },
  // Asking again would start another run.
  retryAttempts: 0,
});

const AGENT = `subscription ($message: String!) {
  agent(input: { agent: "refund_desk", message: $message }) {
    __typename
    ... on TextDelta { text }
    ... on ToolCallStarted { tool input }
    ... on ToolCallFinished { tool output isError }
    ... on ApprovalRequested { approval { id tool input } }
    ... on RunFailed { error { code message } }
    ... on RunFinished { run { cost } }
  }
}`;
const DECIDE = `mutation ($input: DecideApprovalInput!) {
  decideApproval(input: $input) { __typename ... on Error { message } }
}`;

interface AgentEvent {
  __typename: string;
  text?: string;
  approval?: { id: string; tool: string; input: object };
}

/** The owner of the run or an admin decides, from anywhere: here it is whoever sits at the terminal. */
async function decide({ id, tool, input }: NonNullable<AgentEvent['approval']>): Promise<void> {
  const terminal = createInterface({ input: stdin, output: stdout });
  const answer = await terminal.question(
    `May the agent call ${tool} ${JSON.stringify(input)}? [y/N] `,
  );
  terminal.close();
  const decision = {
    approvalId: id,
    approve: /^y/i.test(answer),
    reason: 'decided at the terminal',
  };
  for await (const { data } of client.iterate({ query: DECIDE, variables: { input: decision } })) {
    console.log('decided:', JSON.stringify(data));
  }
}

async function follow(): Promise<void> {
  const events = client.iterate<{ agent: AgentEvent }>({ query: AGENT, variables: { message } });
  for await (const { data, errors } of events) {
    if (!data) return console.error(errors?.map((error) => error.message).join(' '));
    const { __typename: type, ...event } = data.agent;
    if (type === 'TextDelta') stdout.write(event.text ?? '');
    else console.log(`\n${type}`, JSON.stringify(event));
    if (event.approval) await decide(event.approval);
  }
}

try {
  await follow();
} catch {
  process.exitCode = 1;
  console.error(
    '\nThe server is not to be reached. Once it runs, decide in GraphiQL, or run this again.',
  );
}
await client.dispose();
