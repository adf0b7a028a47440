import { McpError, type Tool } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { Log } from '../../kernel/log.ts';
import { type AnyTool, defineTool } from '../../kernel/tool.ts';
import { ToolError } from '../../kernel/tools/tool-error.ts';
import { jsonSchemaObject, uncheckedObject } from './json-schema-object.ts';
import { reasonOf } from './reason-of.ts';
import type { ServerConnection } from './server-connection.ts';
import type { ServerOptions } from './server-options.ts';
import { outputOf } from './tool-result.ts';

export interface ServerTool {
  tool: Tool;
  /** Ours; `tool.name` is the server's. */
  name: string;
  server: string;
  options: ServerOptions;
  connection: ServerConnection;
  log: Log;
}

/** What a tool without an output schema gives: text, or an object of whatever shape. */
const anyOutput = z.union([z.string(), z.record(z.string(), z.unknown())]);

function needsApproval({ name, annotations }: Tool, rule: ServerOptions['needsApproval']): boolean {
  if (typeof rule === 'boolean') return rule;
  if (Array.isArray(rule)) return rule.includes(name);
  if (annotations?.readOnlyHint === true) return false;
  return rule === 'unless-read-only' || annotations?.destructiveHint === true;
}

/** A tool of an MCP server as one of this server's own: same checks, timeouts, retries and approvals. */
export function toolOfServer({
  tool,
  name,
  server,
  options,
  connection,
  log,
}: ServerTool): AnyTool {
  const { annotations, inputSchema, outputSchema } = tool;
  const idempotent = annotations?.idempotentHint === true || annotations?.readOnlyHint === true;
  const schemaOf = (jsonSchema: Record<string, unknown>): z.ZodObject => {
    try {
      return jsonSchemaObject(jsonSchema);
    } catch (error) {
      const message =
        'a schema of an MCP tool cannot be checked here: the MCP server does it alone';
      log.warn({ mcpServer: server, tool: name, reason: reasonOf(error) }, message);
      return uncheckedObject(jsonSchema);
    }
  };
  return defineTool({
    name,
    description:
      [tool.description, tool.title, annotations?.title].find((text) => text?.trim()) ??
      `The tool "${tool.name}" of the MCP server "${server}".`,
    input: schemaOf(inputSchema),
    output: outputSchema ? schemaOf(outputSchema) : anyOutput,
    timeoutMs: options.timeoutMs,
    retries: idempotent ? options.retries : 0,
    idempotent,
    needsApproval: needsApproval(tool, options.needsApproval),
    async run(input, { signal }) {
      try {
        return outputOf(await connection.callTool({ tool: tool.name, input, signal }));
      } catch (error) {
        signal.throwIfAborted();
        throw shownError(error, server);
      }
    },
  });
}

/** The server's own words are meant for the model; those of a broken connection hold addresses and the like. */
function shownError(error: unknown, server: string): unknown {
  if (error instanceof ToolError) return error;
  if (error instanceof McpError) {
    return new ToolError(reasonOf(error), { cause: error });
  }
  const message = `the MCP server "${server}" cannot be reached now. Try again later, or do without it.`;
  return new ToolError(message, { cause: error });
}
