import type { ConfiguredPlugin, PluginServices } from '../kernel/plugin.ts';
import type { SearchHit } from '../kernel/run.ts';
import type { ToolContext } from '../kernel/tool.ts';
import { checkToolInput } from '../kernel/tools/check-tool-input.ts';
import { runTool } from '../kernel/tools/run-tool.ts';
import { silentServices } from './silent-services.ts';

export interface CallToolOptions {
  /** Stand-ins for what the server lends; an empty knowledge base when left out. */
  services?: Partial<PluginServices>;
  /** The context of the call. Missing parts get defaults. */
  context?: Partial<Omit<ToolContext, 'attempt' | 'log' | 'cite'>>;
}

export interface CalledTool {
  output: unknown;
  /** Passages that the tool offered for citation. */
  cited: SearchHit[];
}

const callOfNobody: Omit<ToolContext, 'signal' | 'attempt' | 'log' | 'cite'> = {
  runId: 'run',
  callId: 'call',
  userId: 'user',
  groups: [],
  roles: ['USER'],
  idempotencyKey: 'run:call',
  requestId: 'request',
  apiKeyId: null,
};

/**
 * Calls a tool of a plugin as an agent's run does: input checked, run within its timeout and with its retries, output
 * checked. Rejects with the message that the model would read.
 */
export async function callTool(
  plugin: ConfiguredPlugin,
  call: { tool: string; input: unknown },
  { services, context = {} }: CallToolOptions = {},
): Promise<CalledTool> {
  const lent = silentServices(services);
  const parts = await plugin.setup(lent);
  try {
    const tool = parts.tools?.find(({ name }) => name === call.tool);
    if (!tool) throw new Error(`plugin "${plugin.name}" has no tool "${call.tool}"`);
    const { signal = new AbortController().signal, ...given } = context;
    const checked = await checkToolInput(tool, call.input, signal);
    if ('complaint' in checked) throw new Error(checked.complaint);
    const { output, isError, cited } = await runTool(tool, checked.input, {
      context: { ...callOfNobody, ...given },
      signal,
      log: lent.log,
    });
    if (isError) throw new Error(String(output));
    return { output, cited };
  } finally {
    await parts.close?.();
  }
}
