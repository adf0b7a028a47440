import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import type { SearchHit } from '../../kernel/run.ts';
import { toolOutput } from '../../kernel/tools/tool-output.ts';
import { toJsonSchema } from '../../schema/zod/json-schema.ts';

const text = (value: string) => ({ type: 'text' as const, text: value });

/** A failed call: the client's model reads what to mend. */
export const failure = (message: string): CallToolResult => ({
  content: [text(message)],
  isError: true,
});

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * An output as text, and besides as it is where it is an object; then the passages that the tool offers as sources. Throws
 * as `toolOutput` does.
 */
export function success(output: unknown, cited: readonly SearchHit[] = []): CallToolResult {
  const value = toolOutput(output);
  const sources = (toolOutput(cited) as SearchHit[]).map(({ title, source, content }) =>
    text(`[${title === null ? source : `${title}, ${source}`}]\n${content}`),
  );
  return {
    content: [text(typeof value === 'string' ? value : JSON.stringify(value)), ...sources],
    ...(isObject(value) ? { structuredContent: value } : {}),
  };
}

type JsonSchema = Tool['inputSchema'];

export const inputSchemaOf = (schema: z.ZodObject): JsonSchema =>
  toJsonSchema(schema, 'input') as JsonSchema;

/** Only outputs that are objects can be announced: the protocol has no others. */
export function outputSchemaOf(schema: z.ZodType): { outputSchema?: JsonSchema } {
  const outputSchema = toJsonSchema(schema, 'output') as { type?: unknown };
  return outputSchema.type === 'object' ? { outputSchema: outputSchema as JsonSchema } : {};
}
