import type {
  CitationsSearchResultLocation,
  RefusalStopDetails,
  StopReason,
} from '@anthropic-ai/sdk/resources/messages/messages';

/** One content block of a reply before it is streamed; blocks of text join with nothing between them. */
export type PlannedBlock =
  | { type: 'thinking'; thinking: string }
  | { type: 'text'; text: string; citations?: CitationsSearchResultLocation[] }
  | { type: 'tool_use'; name: string; inputJson: string };

/** A whole reply, decided before the first byte. */
export interface ReplyPlan {
  blocks: PlannedBlock[];
  stopReason: StopReason;
  stopSequence: string | null;
  stopDetails: RefusalStopDetails | null;
  /** The reply ends, with its stop reason, after this many deltas. */
  endAfterDeltas?: number;
}

/** A reply that ends by itself. */
export function planOf(blocks: PlannedBlock[], stopReason: StopReason = 'end_turn'): ReplyPlan {
  return { blocks, stopReason, stopSequence: null, stopDetails: null };
}

/** Ends the reply at the first of the request's stop sequences, which is not part of the text. */
export function cutAtStopSequence(plan: ReplyPlan, stopSequences: readonly string[]): ReplyPlan {
  for (const [index, block] of plan.blocks.entries()) {
    if (block.type !== 'text') continue;
    const hits = stopSequences
      .map((sequence) => ({ sequence, at: block.text.indexOf(sequence) }))
      .filter(({ at, sequence }) => at >= 0 && sequence !== '')
      .sort((first, second) => first.at - second.at);
    const hit = hits[0];
    if (hit === undefined) continue;
    const kept = { ...block, text: block.text.slice(0, hit.at) };
    return {
      ...plan,
      blocks: [...plan.blocks.slice(0, index), kept],
      stopReason: 'stop_sequence',
      stopSequence: hit.sequence,
    };
  }
  return plan;
}
