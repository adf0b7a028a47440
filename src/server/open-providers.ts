import type { Config } from '../config.ts';
import { startDemoModel } from '../demo-model/demo-model-server.ts';
import type { Log } from '../kernel/log.ts';
import type { ModelProvider } from '../kernel/model.ts';
import { createClaudeProvider } from '../model/providers/claude/claude-provider.ts';
import { createOpenAiProvider } from '../model/providers/openai/openai-provider.ts';

export interface OpenProviders {
  providers: ModelProvider[];
  /** True without any provider's key: answers come from the demo model in this process. */
  demo: boolean;
  close(): Promise<void>;
}

/** So that a newcomer sees the answer come. */
const demoDelayMs = 15;
const demoKeepsRequests = 100;

/** The model providers that the environment names: Claude, or the demo model in its place; OpenAI-compatible besides. */
export async function openProviders(config: Config, log: Log): Promise<OpenProviders> {
  const { anthropic, openai } = config;
  const demo = anthropic.apiKey
    ? null
    : await startDemoModel({ delayMs: demoDelayMs, keepRequests: demoKeepsRequests });
  const claude = createClaudeProvider({
    apiKey: anthropic.apiKey ?? 'demo',
    ...(demo
      ? { baseURL: demo.url, identity: 'demo' }
      : anthropic.baseUrl
        ? { baseURL: anthropic.baseUrl }
        : {}),
    log,
  });
  const others =
    openai.apiKey || openai.baseUrl
      ? [
          createOpenAiProvider({
            apiKey: openai.apiKey ?? 'none',
            ...(openai.baseUrl ? { baseURL: openai.baseUrl } : {}),
            log,
          }),
        ]
      : [];
  return { providers: [claude, ...others], demo: demo !== null, close: async () => demo?.close() };
}
