import { invalidRequest } from '../api-error.ts';
import { isRecord } from '../is-record.ts';

type Block = Record<string, unknown>;

const ROLES = ['user', 'assistant', 'system'];
const BLOCK_TYPES: Readonly<Record<string, (block: Block) => string | undefined>> = {
  text: (block) => needsText(block, 'text'),
  thinking: (block) =>
    typeof block['signature'] === 'string' ? undefined : 'signature: Field required',
  redacted_thinking: () => undefined,
  image: (block) => (isRecord(block['source']) ? undefined : 'source: Field required'),
  document: (block) => (isRecord(block['source']) ? undefined : 'source: Field required'),
  search_result: searchResultFault,
  tool_use: (block) =>
    isRecord(block['input'])
      ? (needsText(block, 'id') ?? needsText(block, 'name'))
      : 'input: Input should be an object',
  tool_result: (block) => needsText(block, 'tool_use_id') ?? toolResultFault(block['content']),
};

/**
 * Checks the messages: at least one, the first the user's, blocks well formed, and every `tool_use` answered at
 * the very start of the next message, every `tool_result` answering one of the message before.
 */
export function checkMessages(messages: unknown): void {
  if (messages === undefined) throw invalidRequest('messages: Field required');
  if (!Array.isArray(messages)) throw invalidRequest('messages: Input should be a valid list');
  if (messages.length === 0) throw invalidRequest('messages: at least one message is required');
  const contents = messages.map((message: unknown, index) =>
    checkMessage(message, index, index === messages.length - 1),
  );
  const roles = messages.map((message) => (message as Block)['role']);
  if (roles[0] !== 'user') throw invalidRequest('messages: first message must use the "user" role');
  contents.forEach((blocks, index) => {
    const calls = roles[index] === 'assistant' ? idsOf(blocks, 'tool_use', 'id') : [];
    const next = contents[index + 1];
    checkAnswers(
      blocks,
      roles[index] === 'user' ? idsOf(contents[index - 1] ?? [], 'tool_use', 'id') : [],
      index,
    );
    if (calls.length > 0) checkAnswered(calls, next ?? [], index);
  });
}

function checkMessage(message: unknown, index: number, isLast: boolean): Block[] {
  const path = `messages.${index}`;
  if (!isRecord(message)) throw invalidRequest(`${path}: Input should be an object`);
  const { role, content } = message as { role?: unknown; content?: unknown };
  if (!ROLES.includes(String(role))) {
    throw invalidRequest(`${path}.role: Input should be 'user', 'assistant' or 'system'`);
  }
  const empty = content === '' || (Array.isArray(content) && content.length === 0);
  if (empty && !(isLast && role === 'assistant')) {
    throw invalidRequest(
      `${path}: all messages must have non-empty content except for the optional final assistant message`,
    );
  }
  if (typeof content === 'string') return [];
  if (!Array.isArray(content))
    throw invalidRequest(`${path}.content: Input should be a string or a list of blocks`);
  for (const [position, block] of content.entries())
    checkBlock(block, `${path}.content.${position}`);
  return content as Block[];
}

function checkBlock(block: unknown, path: string): void {
  const type = isRecord(block) ? block['type'] : undefined;
  if (!isRecord(block) || typeof type !== 'string')
    throw invalidRequest(`${path}.type: Field required`);
  const check = Object.hasOwn(BLOCK_TYPES, type) ? BLOCK_TYPES[type] : undefined;
  if (check === undefined) {
    throw invalidRequest(
      `${path}: Input tag '${type}' found using 'type' does not match any of the expected tags: ${Object.keys(BLOCK_TYPES).join(', ')}`,
    );
  }
  if (type === 'text' && block['text'] === '')
    throw invalidRequest('messages: text content blocks must be non-empty');
  const fault = check(block);
  if (fault !== undefined) throw invalidRequest(`${path}.${type}.${fault}`);
}

function checkAnswered(calls: readonly string[], next: readonly Block[], index: number): void {
  const firstOther = next.findIndex(({ type }) => type !== 'tool_result');
  const leading = firstOther < 0 ? next : next.slice(0, firstOther);
  const answers = idsOf(leading, 'tool_result', 'tool_use_id');
  const missing = calls.filter((id) => !answers.includes(id));
  if (missing.length === 0) return;
  throw invalidRequest(
    `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${missing.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
  );
}

function checkAnswers(blocks: readonly Block[], calls: readonly string[], index: number): void {
  const seen = new Set<string>();
  blocks.forEach((block, position) => {
    if (block['type'] !== 'tool_result') return;
    const id = String(block['tool_use_id']);
    if (!calls.includes(id)) {
      throw invalidRequest(
        `messages.${index}.content.${position}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
      );
    }
    if (seen.has(id)) {
      throw invalidRequest(
        `messages.${index}.content.${position}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${id}`,
      );
    }
    seen.add(id);
  });
}

function idsOf(blocks: readonly Block[], type: string, field: string): string[] {
  return blocks.filter((block) => block['type'] === type).map((block) => String(block[field]));
}

function needsText(block: Block, field: string): string | undefined {
  return typeof block[field] === 'string' ? undefined : `${field}: Field required`;
}

function searchResultFault(block: Block): string | undefined {
  const fault = needsText(block, 'source') ?? needsText(block, 'title');
  if (fault !== undefined) return fault;
  const { content } = block as { content?: unknown };
  const fits =
    Array.isArray(content) &&
    content.length > 0 &&
    content.every(
      (part) =>
        isRecord(part) &&
        part['type'] === 'text' &&
        typeof part['text'] === 'string' &&
        part['text'] !== '',
    );
  return fits ? undefined : 'content: Input should be a non-empty list of non-empty text blocks';
}

function toolResultFault(content: unknown): string | undefined {
  if (content === undefined || typeof content === 'string') return undefined;
  if (!Array.isArray(content)) return 'content: Input should be a string or a list of blocks';
  for (const part of content as unknown[]) {
    const type = isRecord(part) ? part['type'] : undefined;
    if (
      !isRecord(part) ||
      !['text', 'image', 'search_result', 'document', 'tool_reference'].includes(String(type))
    ) {
      return `content: Input tag '${String(type)}' is not allowed in a tool_result`;
    }
    const fault = type === 'search_result' ? searchResultFault(part) : undefined;
    if (fault !== undefined) return `content.${fault}`;
  }
  return undefined;
}
