import type { MessageCreateParamsBase } from '@anthropic-ai/sdk/resources/messages/messages';
import type { TestServer } from '../../../support/start-test-server.ts';

export interface MessageView {
  role: 'USER' | 'ASSISTANT';
  text: string;
  parts: { __typename: string; tool?: string; output?: unknown; isError?: boolean }[];
}

export interface RunOutcome {
  __typename: string;
  id?: string;
  status?: string;
  text?: string;
  code?: string;
  message?: string;
  continues?: { id: string } | null;
  conversation?: { id: string } | null;
  usage?: { inputTokens: number; cacheReadTokens: number };
  messages?: MessageView[];
  error?: { code: string; message: string } | null;
}

const ofRun = `id status continues { id } conversation { id } usage { inputTokens cacheReadTokens } error { code message }
  messages { role text parts { __typename ... on ToolCallPart { tool } ... on ToolResultPart { output isError } } }`;

const operation = (field: string, input: string, type: string): string =>
  `mutation ($input: ${input}!) { run: ${field}(input: $input) {
    __typename ... on ${type} { text ${ofRun} } ... on Error { code message } } }`;

const operations = {
  complete: operation('complete', 'CompleteInput', 'Completion'),
  ask: operation('ask', 'AskInput', 'Answer'),
  agent: operation('runAgent', 'RunAgentInput', 'AgentRun'),
};

/** Speaks for one user. */
export function conversationClient(server: Pick<TestServer, 'data'>, as?: string) {
  const run = async (kind: keyof typeof operations, input: object): Promise<RunOutcome> =>
    (await server.data<{ run: RunOutcome }>(operations[kind], { input }, as ? { as } : undefined))
      .run;
  return {
    complete: (text: string, options: object = {}, more: object = {}) =>
      run('complete', { prompt: { text }, options, ...more }),
    ask: (question: string, options: object = {}, more: object = {}) =>
      run('ask', { question, options, ...more }),
    agent: (message: string, options: object = {}, more: object = {}) =>
      run('agent', { agent: 'researcher', message, options, ...more }),
    run,
    async read(id: string): Promise<RunOutcome> {
      const source = `query ($id: ID!) { run(id: $id) { __typename ${ofRun}
        ... on Completion { text } ... on Answer { text } ... on AgentRun { text } } }`;
      return (await server.data<{ run: RunOutcome }>(source, { id }, as ? { as } : undefined)).run;
    },
  };
}

export type ConversationClient = ReturnType<typeof conversationClient>;

/** The messages of a request, with blocks for plain text and without cache marks. */
export function sentMessages(
  body: MessageCreateParamsBase,
): { role: string; content: unknown[] }[] {
  const plain = JSON.parse(
    JSON.stringify(body.messages, (key, value) => (key === 'cache_control' ? undefined : value)),
  ) as { role: string; content: string | unknown[] }[];
  return plain.map(({ role, content }) => ({
    role,
    content: typeof content === 'string' ? [{ type: 'text', text: content }] : content,
  }));
}
