import { createHash } from 'node:crypto';
import type {
  RawContentBlockDelta,
  RawContentBlockDeltaEvent,
  RawContentBlockStartEvent,
  RawContentBlockStopEvent,
  RefusalStopDetails,
  StopReason,
} from '@anthropic-ai/sdk/resources/messages/messages';
import { toolUseFrameTokens } from '../billing/token-estimate.ts';
import { createIdentifier } from '../identifier.ts';
import type { PlannedBlock, ReplyPlan } from './reply-plan.ts';

/** One event of the content, and the output tokens generated once it is sent. */
export interface ReplyStep {
  event: RawContentBlockStartEvent | RawContentBlockDeltaEvent | RawContentBlockStopEvent;
  outputTokens: number;
  thinkingTokens: number;
}

/** How the content came to its end. */
export interface ReplyEnd {
  stopReason: StopReason;
  stopSequence: string | null;
  stopDetails: RefusalStopDetails | null;
}

const JSON_PIECE = 12;

/**
 * The content events of a reply, a word or a piece of JSON at a time. Ends early at `maxTokens` (never generating
 * more than that) or at the plan's own end.
 */
export function* replySteps(plan: ReplyPlan, maxTokens: number): Generator<ReplyStep, ReplyEnd> {
  const { stopReason, stopSequence, stopDetails, endAfterDeltas = Number.POSITIVE_INFINITY } = plan;
  const meter = new OutputMeter();
  let deltas = 0;
  const step = (event: ReplyStep['event']): ReplyStep => ({
    event,
    outputTokens: meter.outputTokens,
    thinkingTokens: meter.thinkingTokens,
  });
  if (endAfterDeltas === 0) return { stopReason, stopSequence, stopDetails };
  for (const [index, block] of plan.blocks.entries()) {
    if (!meter.fits(frameTokens(block), maxTokens)) return maxTokensEnd();
    meter.begin(block);
    yield step({ type: 'content_block_start', index, content_block: openingOf(block) });
    for (const delta of deltasOf(block)) {
      const text = generatedText(delta);
      const full = !meter.fitsText(text, maxTokens);
      if (full || deltas >= endAfterDeltas) {
        yield step({ type: 'content_block_stop', index });
        return full ? maxTokensEnd() : { stopReason, stopSequence, stopDetails };
      }
      meter.add(text);
      deltas += 1;
      yield step({ type: 'content_block_delta', index, delta });
    }
    yield step({ type: 'content_block_stop', index });
  }
  return { stopReason, stopSequence, stopDetails };
}

function maxTokensEnd(): ReplyEnd {
  return { stopReason: 'max_tokens', stopSequence: null, stopDetails: null };
}

/** Counts output as the estimate does: bytes of a block over four, rounded up, plus a tool call's frame. */
class OutputMeter {
  #finished = 0;
  #frame = 0;
  #bytes = 0;
  #finishedThinking = 0;
  #isThinking = false;

  get outputTokens(): number {
    return this.#finished + this.#current;
  }

  get thinkingTokens(): number {
    return this.#finishedThinking + (this.#isThinking ? this.#current : 0);
  }

  get #current(): number {
    return this.#frame + Math.ceil(this.#bytes / 4);
  }

  begin(block: PlannedBlock): void {
    this.#finished = this.outputTokens;
    this.#finishedThinking = this.thinkingTokens;
    this.#isThinking = block.type === 'thinking';
    this.#frame = frameTokens(block);
    this.#bytes = 0;
  }

  add(text: string): void {
    this.#bytes += Buffer.byteLength(text, 'utf8');
  }

  fits(tokens: number, limit: number): boolean {
    return this.outputTokens + tokens <= limit;
  }

  fitsText(text: string, limit: number): boolean {
    const bytes = this.#bytes + Buffer.byteLength(text, 'utf8');
    return this.#finished + this.#frame + Math.ceil(bytes / 4) <= limit;
  }
}

function frameTokens(block: PlannedBlock): number {
  return block.type === 'tool_use' ? toolUseFrameTokens(block.name) : 0;
}

function openingOf(block: PlannedBlock): RawContentBlockStartEvent['content_block'] {
  switch (block.type) {
    case 'thinking':
      return { type: 'thinking', thinking: '', signature: '' };
    case 'tool_use':
      return {
        type: 'tool_use',
        id: createIdentifier('toolu'),
        name: block.name,
        input: {},
        caller: { type: 'direct' },
      };
    case 'text':
      return { type: 'text', text: '', citations: block.citations === undefined ? null : [] };
  }
}

function deltasOf(block: PlannedBlock): RawContentBlockDelta[] {
  switch (block.type) {
    case 'thinking':
      return [
        ...wordsOf(block.thinking).map((thinking) => ({
          type: 'thinking_delta' as const,
          thinking,
        })),
        { type: 'signature_delta', signature: signatureOf(block.thinking) },
      ];
    case 'tool_use':
      // The API begins every tool input with an empty piece.
      return ['', ...piecesOf(block.inputJson)].map((partial_json) => ({
        type: 'input_json_delta',
        partial_json,
      }));
    case 'text':
      return [
        ...wordsOf(block.text).map((text) => ({ type: 'text_delta' as const, text })),
        ...(block.citations ?? []).map((citation) => ({
          type: 'citations_delta' as const,
          citation,
        })),
      ];
  }
}

/** Citations and signatures are not counted as output. */
function generatedText(delta: RawContentBlockDelta): string {
  if (delta.type === 'text_delta') return delta.text;
  if (delta.type === 'input_json_delta') return delta.partial_json;
  return delta.type === 'thinking_delta' ? delta.thinking : '';
}

function wordsOf(text: string): string[] {
  return text.match(/\s*\S+(?:\s+$)?|^\s+$/g) ?? [];
}

function piecesOf(json: string): string[] {
  const characters = [...json];
  const count = Math.ceil(characters.length / JSON_PIECE);
  return Array.from({ length: count }, (_, index) =>
    characters.slice(index * JSON_PIECE, (index + 1) * JSON_PIECE).join(''),
  );
}

function signatureOf(thinking: string): string {
  return createHash('sha512').update(`demo-model:${thinking}`).digest('base64');
}
