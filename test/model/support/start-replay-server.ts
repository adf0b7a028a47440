import type { ConfiguredPlugin } from '../../../src/kernel/plugin.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';
import { type Replay, type ReplayAnswer, startReplay } from './start-replay.ts';

interface StreamEvent {
  __typename: string;
  text?: string;
  run?: CompletedRun;
  error?: { code: string; message: string };
}

interface CompletedRun {
  text: string;
  cost: string | null;
  stopReason: string;
  usage: { inputTokens: number; outputTokens: number; cacheReadTokens: number; estimated: boolean };
}

export interface AgentAnswer {
  text: string;
  status: string;
  turns: {
    text: string;
    toolCalls: { id: string; tool: string; input: unknown; output: unknown; isError: boolean }[];
  }[];
  error: { code: string; message: string } | null;
}

export interface ReplayServer extends AsyncDisposable {
  server: TestServer;
  replay: Replay;
  /** Streams one completion of a model that answers with these bytes. */
  complete(answer: string, model: string): Promise<Completed>;
  /** Runs the agent `researcher`, whose first turn is answered with these bytes. */
  runAgent(answer: string, model: string): Promise<AgentAnswer>;
}

export interface Completed {
  /** The deltas, joined. */
  text: string;
  thinking: string;
  run: CompletedRun | null;
  error: { code: string; message: string } | null;
}

const completion = `subscription ($input: CompleteInput!) {
  completion(input: $input) {
    __typename
    ... on TextDelta { text }
    ... on ThinkingDelta { text }
    ... on RunFinished { run { ... on Completion {
      text cost stopReason usage { inputTokens outputTokens cacheReadTokens estimated }
    } } }
    ... on RunFailed { error { code message } }
  }
}`;

const agentRun = `mutation ($input: RunAgentInput!) {
  runAgent(input: $input) {
    ... on AgentRun {
      text status turns { text toolCalls { id tool input output isError } } error { code message }
    }
    ... on Error { code message }
  }
}`;

/** A whole server whose models, Claude and `openai/…`, are one server that answers with given bytes. */
export async function startReplayServer(
  options: { environment?: Record<string, string>; plugins?: ConfiguredPlugin[] } = {},
): Promise<ReplayServer> {
  const replay = await startReplay();
  const server = await startTestServer({
    plugins: options.plugins,
    environment: {
      ANTHROPIC_BASE_URL: replay.url,
      OPENAI_BASE_URL: `${replay.url}/v1`,
      OPENAI_API_KEY: 'key-of-the-replay-server',
      ...options.environment,
    },
  });
  let asked = 0;
  const begin = (...answers: ReplayAnswer[]): string => {
    replay.script(...answers);
    replay.requests.length = 0;
    asked += 1;
    return `Question ${asked}`;
  };
  return {
    server,
    replay,
    async complete(answer, model) {
      const text = begin(answer);
      const input = { model, prompt: { text } };
      const events = await server.subscribe<StreamEvent>(completion, { input }).rest();
      const said = (type: string) =>
        events.map((event) => (event.__typename === type ? event.text : '')).join('');
      const last = events.at(-1);
      return {
        text: said('TextDelta'),
        thinking: said('ThinkingDelta'),
        run: last?.run ?? null,
        error: last?.error ?? null,
      };
    },
    async runAgent(answer, model) {
      const message = begin(answer);
      const input = { agent: 'researcher', message, model };
      const { runAgent } = await server.data<{ runAgent: AgentAnswer }>(agentRun, { input });
      return runAgent;
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await replay[Symbol.asyncDispose]();
    },
  };
}
