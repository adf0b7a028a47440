import type { ConfiguredPlugin, PluginServices } from '../kernel/plugin.ts';
import type { SearchHit } from '../kernel/run.ts';
import type { ToolContext } from '../kernel/tool.ts';
import { silentServices } from './silent-services.ts';

export interface CallToolOptions {
  /** Stand-ins for what the server lends; an empty knowledge base when left out. */
  services?: Partial<PluginServices>;
  /** What the tool is told of its call. */
  context?: Partial<ToolContext>;
}

export interface CalledTool {
  output: unknown;
  /** What the tool offered to be cited. */
  cited: SearchHit[];
}

/**
 * Calls a tool of a plugin as an agent's run does: input checked, run within its timeout, output checked. Rejects with
 * what the model would be told as an error.
 */
export async function callTool(
  plugin: ConfiguredPlugin,
  call: { tool: string; input: unknown },
  { services, context }: CallToolOptions = {},
): Promise<CalledTool> {
  const lent = silentServices(services);
  const parts = await plugin.setup(lent);
  try {
    const tool = parts.tools?.find(({ name }) => name === call.tool);
    if (!tool) throw new Error(`plugin "${plugin.name}" has no tool "${call.tool}"`);
    const cited: SearchHit[] = [];
    const input = await tool.input.parseAsync(call.input);
    const output = await tool.run(input, {
      runId: 'run',
      callId: 'call',
      userId: 'user',
      groups: [],
      roles: ['USER'],
      idempotencyKey: 'run:call',
      attempt: 1,
      requestId: 'request',
      apiKeyId: null,
      signal: AbortSignal.timeout(tool.timeoutMs ?? 30_000),
      log: lent.log,
      cite: (hits) => void cited.push(...hits),
      ...context,
    });
    return { output: await tool.output.parseAsync(output), cited };
  } finally {
    await parts.close?.();
  }
}
