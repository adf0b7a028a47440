import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { Log } from '../../kernel/log.ts';
import { definePlugin } from '../../kernel/plugin.ts';
import { ServerConnection } from './server-connection.ts';
import { type ServerOptions, serverOptions } from './server-options.ts';
import { nameTools } from './tool-names.ts';
import { toolOfServer } from './tool-of-server.ts';

interface Listed {
  server: string;
  options: ServerOptions;
  connection: ServerConnection;
  tools: Tool[];
}

/** The tools that are asked for and can be called. Rejects with a line that names the server. */
async function listTools(server: Omit<Listed, 'tools'>, log: Log): Promise<Tool[]> {
  const { server: name, options, connection } = server;
  const all = await connection.listTools();
  const unknown = [
    ...(options.tools ?? []),
    ...(Array.isArray(options.needsApproval) ? options.needsApproval : []),
  ].filter((wanted) => !all.some((tool) => tool.name === wanted));
  if (unknown.length > 0) {
    const known = all.map((tool) => tool.name).join(', ') || 'none';
    throw new Error(`MCP server "${name}" has no tool "${unknown[0]}" (it has: ${known})`);
  }
  return all.filter((tool) => {
    if (options.tools && !options.tools.includes(tool.name)) return false;
    if (tool.execution?.taskSupport !== 'required') return true;
    log.warn({ mcpServer: name, tool: tool.name }, 'an MCP tool is left out: it runs as a task');
    return false;
  });
}

/** Asks all servers at once. Throws with every problem, unless the server is optional. */
async function listAll(servers: Record<string, ServerOptions>, log: Log): Promise<Listed[]> {
  const asked = Object.entries(servers).map(([server, options]) => ({
    server,
    options,
    connection: new ServerConnection({ name: server, options, log }),
  }));
  const answers = await Promise.allSettled(asked.map((server) => listTools(server, log)));
  const problems: string[] = [];
  const listed = asked.map((server, index) => {
    const answer = answers[index]!;
    if (answer.status === 'fulfilled') return { ...server, tools: answer.value };
    const { message } = answer.reason as Error;
    if (!server.options.optional) problems.push(message);
    else log.warn({ reason: message }, 'started without an optional MCP server');
    return { ...server, tools: [] };
  });
  if (problems.length > 0) {
    await closeAll(listed);
    throw new Error(problems.join('; '));
  }
  return listed;
}

async function closeAll(servers: readonly Listed[]): Promise<void> {
  await Promise.all(servers.map(({ connection }) => connection.close()));
}

/**
 * The tools of MCP servers, as tools of this server: of child processes over stdio, and of URLs over streamable HTTP.
 * The tools are listed once, at start; a server that dies later is reached again with the next call.
 */
export const mcp = definePlugin({
  name: 'mcp',
  version: '1.0.0',
  description: 'The tools of MCP servers.',
  options: z.object({ servers: z.record(z.string().min(1), serverOptions) }),
  async setup({ servers }, { log }) {
    const listed = await listAll(servers, log);
    try {
      const names = nameTools(
        listed.map(({ server, options: { prefix }, tools }) => ({
          server,
          prefix,
          tools: tools.map(({ name }) => name),
        })),
      );
      const tools = listed.flatMap((of) => of.tools.map((tool) => ({ ...of, tool })));
      return {
        tools: tools.map((of, index) => toolOfServer({ ...of, name: names[index]!.name, log })),
        close: () => closeAll(listed),
      };
    } catch (error) {
      await closeAll(listed);
      throw error;
    }
  },
});
