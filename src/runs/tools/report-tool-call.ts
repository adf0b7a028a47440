import type { HookContext } from '../../kernel/hooks.ts';
import type { ToolResult } from '../../kernel/tools/run-tool.ts';
import type { RunServices } from '../run-services.ts';

interface ToolCallReport {
  tool: string;
  input: unknown;
  result: ToolResult;
  durationMs: number;
  context: HookContext;
  /** The protocol that the call came by, where no run made it. */
  over?: string;
}

/** Shows a finished tool call to the log and to plugins' hooks. */
export function reportToolCall(
  { tool, input, result, durationMs, context, over }: ToolCallReport,
  { hooks, log }: Pick<RunServices, 'hooks' | 'log'>,
): void {
  const { output, isError, attempts } = result;
  const { runId, userId, requestId } = context;
  hooks.notify('afterToolCall', { tool, input, output, isError, durationMs }, context);
  log.info(
    { runId, userId, requestId, tool, isError, attempts, durationMs, ...(over && { over }) },
    'tool call',
  );
}
