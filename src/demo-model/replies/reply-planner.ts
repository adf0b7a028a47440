import type { Fault, ScriptedToolCall } from '../faults/fault.ts';
import { bracketReply, citedReply, numberedPassages } from './cited-reply.ts';
import type { Conversation } from './conversation.ts';
import { plainReply, wordsReply } from './plain-reply.ts';
import { askedQuestion } from './prompt-text.ts';
import { cutAtStopSequence, type PlannedBlock, planOf, type ReplyPlan } from './reply-plan.ts';
import { structuredReply } from './structured-reply.ts';
import { planToolCalls } from './tool-call-plan.ts';
import { toolResultReply } from './tool-result-reply.ts';

const DEFAULT_REFUSAL = 'The demo model was told to refuse this request.';

/** Decides the whole reply to a request, scripted faults that change its content included. */
export function planReply(conversation: Conversation, fault: Fault | undefined): ReplyPlan {
  const ordinary = (): ReplyPlan => ordinaryPlan(conversation);
  switch (fault?.kind) {
    case 'reply':
      return planOf([{ type: 'text', text: fault.text }]);
    case 'tool_calls':
      return toolPlan(fault.calls);
    case 'invalid_structured_output':
      return planOf([
        { type: 'text', text: fault.text ?? '{"this is": not what the schema asked for' },
      ]);
    case 'broken_tool_input':
      return brokenToolInput(ordinary());
    case 'refusal':
      return {
        ...ordinary(),
        stopReason: 'refusal',
        stopDetails: {
          type: 'refusal',
          category: fault.category ?? null,
          explanation: fault.explanation ?? DEFAULT_REFUSAL,
        },
        endAfterDeltas: fault.afterDeltas ?? 0,
      };
    case 'max_tokens':
      return { ...ordinary(), stopReason: 'max_tokens', endAfterDeltas: fault.afterDeltas };
    case 'pause_turn':
    case 'model_context_window_exceeded':
      return {
        ...ordinary(),
        stopReason: fault.kind,
        ...(fault.afterDeltas === undefined ? {} : { endAfterDeltas: fault.afterDeltas }),
      };
    default:
      return ordinary();
  }
}

function ordinaryPlan(conversation: Conversation): ReplyPlan {
  const { request, steering } = conversation;
  const calls = toolCalls(conversation);
  const plan = calls.length > 0 ? toolPlan(calls) : planOf(answer(conversation));
  const thinks = steering.think && request.thinking?.type === 'adaptive';
  const thought =
    request.thinking?.type === 'adaptive' && request.thinking.display === 'summarized';
  const blocks: PlannedBlock[] = thinks
    ? [{ type: 'thinking', thinking: thought ? thinkingAbout(conversation) : '' }, ...plan.blocks]
    : plan.blocks;
  return cutAtStopSequence({ ...plan, blocks }, request.stop_sequences ?? []);
}

function toolCalls(conversation: Conversation): readonly ScriptedToolCall[] {
  const { steering, toolTurnsTaken } = conversation;
  if (steering.loop !== undefined) return [steering.loop];
  const scripted = steering.toolTurns[toolTurnsTaken];
  if (scripted !== undefined) return scripted;
  const decided =
    steering.toolTurns.length > 0 || steering.reply !== undefined || steering.words !== undefined;
  return decided || toolTurnsTaken > 0 ? [] : planToolCalls(conversation);
}

function answer(conversation: Conversation): PlannedBlock[] {
  const { request, steering, question, searchResults, toolOutcomes } = conversation;
  if (steering.reply !== undefined) return [{ type: 'text', text: steering.reply }];
  if (steering.words !== undefined) return [{ type: 'text', text: wordsReply(steering.words) }];
  const format = request.output_config?.format;
  if (format) return structuredReply(conversation, format.schema);
  if (toolOutcomes.length > 0) return toolResultReply(conversation);
  if (searchResults.length > 0) return citedReply(askedQuestion(question), searchResults);
  const passages = numberedPassages(`${conversation.system}\n\n${question}`);
  if (passages.length > 0) return bracketReply(askedQuestion(question), passages);
  return [{ type: 'text', text: plainReply(conversation) }];
}

function toolPlan(calls: readonly ScriptedToolCall[]): ReplyPlan {
  const blocks = calls.map(
    ({ name, input }): PlannedBlock => ({
      type: 'tool_use',
      name,
      inputJson: JSON.stringify(input),
    }),
  );
  return planOf(blocks, 'tool_use');
}

/** Breaks the first tool call off in the middle of its input, as running out of tokens does. */
function brokenToolInput(plan: ReplyPlan): ReplyPlan {
  const at = plan.blocks.findIndex(({ type }) => type === 'tool_use');
  const call = plan.blocks[at];
  if (call?.type !== 'tool_use') return { ...plan, stopReason: 'max_tokens' };
  // Half of an empty object would still be an object once repaired; a half-written string never is.
  const half =
    call.inputJson.length > 2
      ? call.inputJson.slice(0, Math.ceil(call.inputJson.length / 2))
      : '{"brok';
  return {
    ...plan,
    blocks: [...plan.blocks.slice(0, at), { ...call, inputJson: half }],
    stopReason: 'max_tokens',
  };
}

function thinkingAbout({ question, request }: Conversation): string {
  const tools = (request.tools ?? []).length;
  return `The user wrote “${question.slice(0, 120)}”. ${tools > 0 ? `There are ${tools} tools to choose from. ` : ''}I am the demo model, so I match words and answer from what is in the prompt.`;
}
