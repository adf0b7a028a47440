import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ListToolsResultSchema, type Tool } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

const maxTools = 1_000;
const maxPages = 1_000;

/** Some servers end their list with null or an empty cursor, which the protocol does not have. */
const pageSchema = ListToolsResultSchema.extend({ nextCursor: z.string().nullish() });

/**
 * All tools of a server, page by page, until `deadlineAt` (of `Date.now`) at the latest. Rejects for a list that comes
 * back to a cursor or grows beyond 1,000 tools: it might never end.
 */
export async function listTools(client: Client, deadlineAt: number): Promise<Tool[]> {
  const tools: Tool[] = [];
  const cursors = new Set<string>();
  for (let cursor: string | null | undefined; ; ) {
    const timeout = deadlineAt - Date.now();
    if (timeout <= 0) throw new Error('the list did not end in time');
    const params = cursor ? { cursor } : {};
    const page = await client.request({ method: 'tools/list', params }, pageSchema, {
      timeout,
      maxTotalTimeout: timeout,
    });
    tools.push(...page.tools);
    if (tools.length > maxTools) throw new Error(`it lists more than ${maxTools} tools`);
    cursor = page.nextCursor;
    if (!cursor) return tools;
    if (cursors.has(cursor)) throw new Error('the list comes back to a cursor that it had before');
    cursors.add(cursor);
    if (cursors.size > maxPages) throw new Error(`the list has more than ${maxPages} pages`);
  }
}
