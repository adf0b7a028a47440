import { toStorableText } from '../../../kernel/json/storable-text.ts';
import type { AssistantBlock } from '../../../kernel/model.ts';
import { likelyTokens } from '../../token-estimate.ts';
import { type Json, recordOf, textOf } from '../json-fields.ts';
import { newToolCallId } from '../tool-call-ids.ts';
import { readToolInput } from '../tool-input.ts';

/** A tool call's frame around its name and input. */
const toolCallTokens = 8;

/** One block of an answer, as the API's JSON, while it grows. */
export interface GrowingBlock {
  block: Json;
  /** A tool's input as it comes in pieces. */
  inputJson: string;
  /** `content_block_stop` came. */
  complete: boolean;
}

interface FinishedBlocks {
  content: AssistantBlock[];
  /** To be sent back as they are. */
  verbatim: Json[];
}

/** The blocks of an answer, in the order in which they began. Servers number them from 0, from 1, or not at all. */
export class ClaudeBlocks {
  readonly #blocks: GrowingBlock[] = [];
  readonly #byIndex = new Map<unknown, GrowingBlock>();

  get hasToolCalls(): boolean {
    return this.#blocks.some(({ block }) => block['type'] === 'tool_use');
  }

  open(index: unknown, block: Json): void {
    const before = this.#byIndex.get(index ?? null);
    if (before && isUntouched(before) && before.block['id'] === block['id']) return;
    const growing = { block: { ...block }, inputJson: '', complete: false };
    this.#blocks.push(growing);
    this.#byIndex.set(index ?? null, growing);
  }

  close(index: unknown): void {
    const growing = this.#byIndex.get(index ?? null) ?? this.#blocks.at(-1);
    if (growing) growing.complete = true;
  }

  /** The block of this type that a delta belongs to, made if the event that opens it did not come. */
  of(index: unknown, type: 'text' | 'thinking'): Json {
    const growing =
      this.#byIndex.get(index ?? null) ?? (index == null ? this.#blocks.at(-1) : null);
    if (growing?.block['type'] === type) return growing.block;
    this.open(index, type === 'text' ? { type, text: '' } : { type, thinking: '', signature: '' });
    return this.#blocks.at(-1)!.block;
  }

  /** Adds to a tool's input. Input without a tool is dropped. */
  addInput(index: unknown, json: string): void {
    const meant = this.#byIndex.get(index ?? null);
    const takesInput = ({ block }: GrowingBlock) => 'input' in block || isToolUse(block);
    const growing = meant && takesInput(meant) ? meant : this.#blocks.findLast(takesInput);
    if (growing) growing.inputJson += json;
  }

  /**
   * The blocks of an answer that has ended. A tool call that the end cut short is dropped; with `called`, the answer ended
   * for its calls, and input that cannot be read is left to the tool's check.
   */
  finish(called: boolean): FinishedBlocks {
    const ids = new Set<string>();
    const finished: FinishedBlocks = { content: [], verbatim: [] };
    for (const growing of this.#blocks) {
      const { block } = growing;
      if (block['type'] === 'tool_use') {
        const input = inputOf(growing);
        const isWhole = growing.complete && typeof input !== 'string';
        if (called || isWhole) addToolCall(finished, { block, input, ids });
      } else {
        const text = block['type'] === 'text' ? toStorableText(textOf(block['text'])) : '';
        if (text !== '') finished.content.push({ type: 'text', text });
        finished.verbatim.push(isToolUse(block) ? withInput(growing) : block);
      }
    }
    return finished;
  }

  /** What the output is likely to be billed. */
  likelyTokens(): number {
    return this.#blocks.reduce((sum, growing) => sum + tokensOf(growing), 0);
  }
}

/** Nothing came for it since it began: the event that opens it may come twice. */
const isUntouched = ({ block, inputJson, complete }: GrowingBlock): boolean =>
  !complete && inputJson === '' && !block['text'] && !block['thinking'] && !block['signature'];

/** Of ours, or one of the provider's own, such as "server_tool_use". */
const isToolUse = ({ type }: Json): boolean => textOf(type).endsWith('tool_use');

/** The pieces of the input; without any, the input that came whole with the block's start. */
function inputOf({ block, inputJson }: GrowingBlock): Json | string {
  if (inputJson.trim() !== '') return readToolInput(inputJson);
  const { input } = block;
  return readToolInput(typeof input === 'string' ? input : JSON.stringify(input ?? {}));
}

/** The provider's own tool call goes back with its input. */
const withInput = (growing: GrowingBlock): Json => ({
  ...growing.block,
  input: recordOf(inputOf(growing)) ?? growing.block['input'],
});

function addToolCall(
  { content, verbatim }: FinishedBlocks,
  { block, input, ids }: { block: Json; input: Json | string; ids: Set<string> },
): void {
  const given = textOf(block['id']);
  const id = given === '' || ids.has(given) ? newToolCallId() : given;
  ids.add(id);
  const name = textOf(block['name']) || 'unknown_tool';
  content.push({ type: 'tool_call', id, name, input });
  verbatim.push({ ...block, id, name, input: recordOf(input) ?? {} });
}

function tokensOf({ block, inputJson }: GrowingBlock): number {
  if (!isToolUse(block)) return likelyTokens(textOf(block['text']) + textOf(block['thinking']));
  return toolCallTokens + likelyTokens(textOf(block['name'])) + likelyTokens(inputJson);
}
