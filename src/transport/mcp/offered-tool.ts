import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import type { Caller } from '../../kernel/access/principal.ts';

/** One request of an MCP client, as what is asked for sees it. */
export interface McpCall {
  caller: Caller;
  /** Aborted when the client cancels or its connection is lost. */
  signal: AbortSignal;
  /** Tells the client how far it is; null when the client did not ask for that. */
  progress: ((message: string) => void) | null;
}

/** What an MCP client may call: a tool of the registry, or an agent. */
export interface OfferedTool {
  /** The name that a key's scopes must allow. */
  scope: ['tools' | 'agents', string];
  listing: Tool;
  /** Failures that the client's model can mend are results with `isError`; only faults of this server are thrown. */
  call(input: unknown, call: McpCall): Promise<CallToolResult>;
}
