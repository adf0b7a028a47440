import { newId } from '../../data/new-id.ts';
import type { Caller } from '../../kernel/access/principal.ts';
import { assertAllows } from '../../kernel/access/scopes.ts';
import { DomainError } from '../../kernel/errors.ts';
import type { AnyTool } from '../../kernel/tool.ts';
import { checkToolInput } from '../../kernel/tools/check-tool-input.ts';
import { mustAsk, onlyByAgents } from '../../kernel/tools/must-ask.ts';
import { runTool, type ToolResult, toolError } from '../../kernel/tools/run-tool.ts';
import type { RunServices } from '../run-services.ts';
import { reportToolCall } from './report-tool-call.ts';

export interface ToolCallRequest {
  tool: string;
  input: unknown;
  /** Aborted when the caller leaves. */
  signal: AbortSignal;
  /** The protocol that the call came by, for the log. */
  over: string;
}

/**
 * One call of a tool outside of any run. Failures that the caller can mend are results with `isError`. Rejects with
 * NOT_FOUND for a tool that is not there, FORBIDDEN for one outside the caller's scopes, and with `signal.reason`.
 */
export async function callTool(
  { tool: name, input, signal, over }: ToolCallRequest,
  caller: Caller,
  services: Pick<RunServices, 'registry' | 'hooks' | 'log'>,
): Promise<ToolResult> {
  const tool = services.registry.tools.get(name);
  if (!tool) throw new DomainError('NOT_FOUND', `There is no tool "${name}".`);
  assertAllows(caller.scopes, 'tools', name);
  const startedAt = performance.now();
  const { userId, groups, roles, scopes = null, apiKeyId, requestId } = caller;
  const runId = newId();
  const result = await decideAndRun(tool, input, {
    signal,
    log: services.log,
    context: {
      runId,
      callId: requestId,
      userId,
      groups,
      roles,
      scopes,
      apiKeyId,
      requestId,
      idempotencyKey: runId,
    },
  });
  const durationMs = performance.now() - startedAt;
  const context = { runId, kind: 'TOOL' as const, userId, requestId, signal };
  reportToolCall({ tool: name, input, result, durationMs, context, over }, services);
  return result;
}

async function decideAndRun(
  tool: AnyTool,
  input: unknown,
  options: Parameters<typeof runTool>[2],
): Promise<ToolResult> {
  const { signal } = options;
  const checked = await checkToolInput(tool, input, signal);
  if ('complaint' in checked) return toolError(checked.complaint);
  if (await mustAsk(tool, checked.input, signal)) {
    return toolError(`This call was not made. ${onlyByAgents(tool.name)}`);
  }
  return runTool(tool, checked.input, options);
}
