import {
  CallToolRequestSchema,
  GetPromptRequestSchema,
  isJSONRPCRequest,
} from '@modelcontextprotocol/sdk/types.js';

const callSchemas = [CallToolRequestSchema, GetPromptRequestSchema] as const;

/** A message that the SDK may take, or what is wrong with the parameters of its call. */
export type ReadCall = { message: unknown } | { id: string | number; problem: string };

/**
 * Reads a message before the SDK does, which answers parameters that it does not take with the whole of its schema's
 * report. `arguments: null` counts as left out: clients send it for tools and prompts that take none.
 */
export function readCall(body: unknown): ReadCall {
  if (!isJSONRPCRequest(body)) return { message: body };
  const schema = callSchemas.find(({ shape }) => shape.method.value === body.method);
  if (!schema) return { message: body };
  const { arguments: given, ...rest } = (body.params ?? {}) as Record<string, unknown>;
  const message = { ...body, params: given == null ? rest : { ...rest, arguments: given } };
  const parsed = schema.safeParse(message);
  if (parsed.success) return { message };
  const issues = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'params'}: ${issue.message}`,
  );
  return { id: body.id, problem: issues.join('; ') };
}
