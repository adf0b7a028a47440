import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { isDomainError } from '../../kernel/errors.ts';
import type { AnyTool } from '../../kernel/tool.ts';
import { onlyByAgents } from '../../kernel/tools/must-ask.ts';
import type { Services } from '../../schema/services.ts';
import type { McpCall, OfferedTool } from './offered-tool.ts';
import { failure, inputSchemaOf, outputSchemaOf, success } from './tool-results.ts';

/** The registered tools, each called once and outside of any run: the MCP client's own model is the agent. */
export const offerTools = (
  tools: Iterable<AnyTool>,
  runs: Pick<Services['runs'], 'callTool'>,
): OfferedTool[] =>
  Array.from(tools, (tool) => ({
    scope: ['tools', tool.name],
    listing: {
      name: tool.name,
      description:
        tool.needsApproval === true
          ? `${tool.description} ${onlyByAgents(tool.name)}`
          : tool.description,
      inputSchema: inputSchemaOf(tool.input),
      ...outputSchemaOf(tool.output),
      annotations: { idempotentHint: tool.idempotent ?? false },
    },
    call: (input, call) => callTool(tool.name, input, { call, runs }),
  }));

async function callTool(
  tool: string,
  input: unknown,
  { call, runs }: { call: McpCall; runs: Pick<Services['runs'], 'callTool'> },
): Promise<CallToolResult> {
  const { signal, caller } = call;
  try {
    const { output, isError, cited } = await runs.callTool(
      { tool, input, signal, over: 'mcp' },
      caller,
    );
    return isError ? failure(String(output)) : success(output, cited);
  } catch (error) {
    if (signal.aborted) return failure('The call was cancelled.');
    if (isDomainError(error)) return failure(error.message);
    throw error;
  }
}
