import { isSnakeCase } from '../../kernel/registry/names.ts';

const longest = 64;

/** `readFile`, `read-file` and `files/read` → `read_file`, `read_file` and `files_read`. */
export function snakeCase(name: string): string {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replace(/^_+/, '');
  const whole = /^[a-z]/.test(words) ? words : `tool_${words}`;
  return whole.slice(0, longest).replace(/_+$/, '');
}

export interface ServerTools {
  server: string;
  /** Prefix every tool's name, not only those that two servers have. */
  prefix: boolean;
  /** As the server names them. */
  tools: readonly string[];
}

export interface NamedTool {
  server: string;
  /** As the server names it. */
  tool: string;
  /** Lower snake_case, unique. */
  name: string;
}

/**
 * Names the tools of all servers: `<tool>`, or `<server>_<tool>` where several servers have it, whichever was listed
 * first. Throws with one line for each name that two tools would still share.
 */
export function nameTools(servers: readonly ServerTools[]): NamedTool[] {
  const owners = new Map<string, Set<string>>();
  for (const { server, tools } of servers) {
    for (const tool of tools) {
      const name = snakeCase(tool);
      owners.set(name, (owners.get(name) ?? new Set()).add(server));
    }
  }
  const named = servers.flatMap(({ server, prefix, tools }) =>
    tools.map((tool) => {
      const plain = snakeCase(tool);
      const shared = (owners.get(plain)?.size ?? 0) > 1;
      return { server, tool, name: prefix || shared ? snakeCase(`${server}_${plain}`) : plain };
    }),
  );
  const problems = conflicts(named);
  if (problems.length > 0) throw new Error(problems.join('; '));
  return named;
}

function conflicts(named: readonly NamedTool[]): string[] {
  const first = new Map<string, NamedTool>();
  return named.flatMap((entry) => {
    const { server, tool, name } = entry;
    if (!isSnakeCase(name)) {
      return `MCP server "${server}": its tool "${tool}" cannot be named; leave it out by "tools"`;
    }
    const other = first.get(name);
    if (!other) {
      first.set(name, entry);
      return [];
    }
    return `MCP servers "${other.server}" and "${server}": their tools "${other.tool}" and "${tool}" would both be named "${name}"; leave one out by "tools"`;
  });
}
