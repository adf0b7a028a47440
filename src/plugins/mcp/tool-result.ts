import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/sdk/types.js';
import { ToolError } from '../../kernel/tools/tool-error.ts';

/** What cannot be shown as text is named, so that the model knows of it. */
function textOf(block: ContentBlock): string {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'resource_link':
      return `[${block.title ?? block.name}: ${block.uri}]`;
    case 'resource':
      return 'text' in block.resource
        ? block.resource.text
        : `[${block.resource.uri}: ${block.resource.mimeType ?? 'binary data'}, not shown]`;
    default:
      return `[${block.type}: ${block.mimeType}, not shown]`;
  }
}

/**
 * What the model is told: the structured content where there is some (its text is then the same once more, by the
 * specification), else all texts, joined by line feeds. Throws with the text where the server reports an error.
 */
export function outputOf(result: CallToolResult): Record<string, unknown> | string {
  const text = result.content.map(textOf).join('\n');
  if (result.isError) throw new ToolError(text.trim() || 'the MCP server gave no reason');
  return result.structuredContent ?? text;
}
