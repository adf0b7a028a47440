import { z } from 'zod';

const wait = z.int().positive().max(3_600_000);

const shared = {
  /** How long one call of a tool may take, in ms. */
  timeoutMs: wait.default(30_000),
  /** How long the server may take to start and list its tools, in ms. `npx` may have to download it first. */
  startTimeoutMs: wait.default(30_000),
  /** Further attempts after a failure, of tools that the server calls read-only or idempotent. */
  retries: z.int().min(0).max(10).default(0),
  /**
   * Which tools wait for a person's approval: all, none, those the server calls destructive, all but those it calls
   * read-only, or the ones named (as the server names them).
   */
  needsApproval: z
    .union([z.boolean(), z.enum(['destructive', 'unless-read-only']), z.array(z.string())])
    .default('destructive'),
  /** Bring in only these tools, as the server names them. */
  tools: z.array(z.string()).optional(),
  /** Begin every tool's name with the server's. Else only those that two servers have do. */
  prefix: z.boolean().default(false),
  /** Start without this server's tools when it is away, instead of not at all. */
  optional: z.boolean().default(false),
};

const childProcess = z.strictObject({
  command: z.string().min(1),
  args: z.array(z.string()).default([]),
  /** Besides HOME, PATH and the like: the child sees nothing else of this server's environment. */
  env: z.record(z.string(), z.string()).default({}),
  cwd: z.string().min(1).optional(),
  ...shared,
});

const remote = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  headers: z.record(z.string(), z.string()).default({}),
  ...shared,
});

/** A union's own message is "Invalid input": tell instead what is wrong with the kind that was meant. */
function unionMessage({ input }: { input?: unknown }): string {
  const given = typeof input === 'object' && input !== null ? input : {};
  if ('command' in given === 'url' in given) {
    return 'give either { command, args, env, cwd } for a child process or { url, headers } for streamable HTTP';
  }
  const { error } = ('url' in given ? remote : childProcess).safeParse(input);
  const issues = error?.issues ?? [];
  return issues
    .map(({ path, message }) => `${z.core.toDotPath(path) || 'here'}: ${message}`)
    .join('; ');
}

/** How one MCP server is reached, and how far it is trusted. */
export const serverOptions = z.union([childProcess, remote], { error: unionMessage });

export type ServerOptions = z.output<typeof serverOptions>;
