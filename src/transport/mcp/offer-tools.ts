import { randomUUID } from 'node:crypto';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { checkToolInput } from '../../kernel/check-tool-input.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/message-of.ts';
import { mustAsk } from '../../kernel/must-ask.ts';
import type { SearchHit } from '../../kernel/run.ts';
import type { AnyTool, ToolContext } from '../../kernel/tool.ts';
import { untilAborted } from '../../kernel/until-aborted.ts';
import type { McpCall, OfferedTool } from './offered-tool.ts';
import { failure, inputSchemaOf, outputSchemaOf, success } from './tool-results.ts';

const defaultTimeoutMs = 30_000;

/** The registered tools, each called once and outside of any run: the MCP client's own model is the agent. */
export const offerTools = (tools: Iterable<AnyTool>, log: Log): OfferedTool[] =>
  Array.from(tools, (tool) => ({
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
    call: (input, call) => callTool(tool, input, { call, log }),
  }));

const onlyByAgents = (name: string): string =>
  `"${name}" needs a person's approval, which cannot be given over MCP: only an agent of this server can ask for it.`;

async function callTool(
  tool: AnyTool,
  input: unknown,
  { call, log }: { call: McpCall; log: Log },
): Promise<CallToolResult> {
  const { name } = tool;
  const checked = await checkToolInput(tool, input, call.signal);
  if ('complaint' in checked) return failure(checked.complaint);
  if (await mustAsk(tool, checked.input, call.signal))
    return failure(`This call was not made. ${onlyByAgents(name)}`);
  const startedAt = performance.now();
  const runId = randomUUID();
  const { userId, requestId } = call.caller;
  const result = await attempt(tool, checked.input, { call, log, runId });
  const { isError = false } = result;
  const durationMs = performance.now() - startedAt;
  log.info(
    { runId, userId, requestId, tool: name, isError, attempts: 1, durationMs, over: 'mcp' },
    'tool call',
  );
  return result;
}

/** As an agent's run makes it: timeout, abort, and what it returns checked. */
async function attempt(
  tool: AnyTool,
  input: Record<string, unknown>,
  { call, log, runId }: { call: McpCall; log: Log; runId: string },
): Promise<CallToolResult> {
  const { name, timeoutMs = defaultTimeoutMs } = tool;
  const timeout = AbortSignal.timeout(timeoutMs);
  const cited: SearchHit[] = [];
  const signal = AbortSignal.any([call.signal, timeout]);
  const context: ToolContext = {
    runId,
    callId: call.caller.requestId,
    userId: call.caller.userId,
    groups: call.caller.groups,
    roles: call.caller.roles,
    requestId: call.caller.requestId,
    apiKeyId: call.caller.apiKeyId,
    signal,
    idempotencyKey: runId,
    attempt: 1,
    log: log.child({ runId, tool: name }),
    cite: (hits) => void cited.push(...hits),
  };
  try {
    return await untilAborted(signal, async () => {
      const raw = await tool.run(input, context);
      return resultOf(tool, { raw, cited }, log);
    });
  } catch (error) {
    if (timeout.aborted) return failure(`The tool "${name}" took longer than ${timeoutMs} ms.`);
    return failure(`The tool "${name}" failed: ${messageOf(error)}`);
  }
}

async function resultOf(
  { name, output: schema }: AnyTool,
  { raw, cited }: { raw: unknown; cited: SearchHit[] },
  log: Log,
): Promise<CallToolResult> {
  try {
    const output = await schema.safeParseAsync(raw);
    if (output.success) return success(output.data, cited);
    log.warn({ tool: name, issues: output.error.issues }, 'a tool broke its own output schema');
    return failure(`The tool "${name}" failed: it gave no valid result.`);
  } catch (error) {
    log.warn({ tool: name, err: error }, "a tool's output cannot be used");
    return failure(`The tool "${name}" ran, but its output cannot be used: ${messageOf(error)}.`);
  }
}
