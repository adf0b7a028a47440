import { expect, test } from 'vitest';
import type { RunEvent, RunEventBody } from '../../../src/kernel/events.ts';
import { agentState } from '../../../src/runs/agent/agent-state.ts';

const usage = {
  inputTokens: 1,
  outputTokens: 1,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  estimated: false,
};

const turn = (number: number, stopReason: string, ...ids: string[]): RunEventBody => ({
  type: 'AssistantTurn',
  number,
  message: {
    role: 'assistant',
    content: [
      { type: 'text', text: `turn ${number};` },
      ...ids.map((id) => ({ type: 'tool_call' as const, id, name: 'pay', input: { number } })),
    ],
  },
  stopReason,
  usage,
  cost: null,
});

const result = (callId: string, output: string): RunEventBody => ({
  type: 'ToolCallFinished',
  callId,
  tool: 'pay',
  output,
  isError: false,
  attempts: 1,
  durationMs: 1,
  cited: [],
});

const stateAfter = (...bodies: RunEventBody[]) =>
  agentState({
    asked: [{ role: 'user', content: [{ type: 'text', text: 'go' }] }],
    pack: () => {
      throw new Error('nothing is cited here');
    },
    events: bodies.map(
      (body, index): RunEvent => ({
        ...body,
        runId: 'r',
        position: index + 1,
        length: 1,
        at: new Date(0),
      }),
    ),
  });

test('a provider that numbers its calls anew in every turn gets each result to its own call', () => {
  const first = [turn(1, 'tool_use', 'call_0', 'call_0')];
  const keys = stateAfter(...first).pending.map(({ call }) => call.key);
  expect(new Set(keys).size).toBe(2);
  const results = keys.map((key, index) => result(key, `first ${index}`));
  const { pending, messages } = stateAfter(...first, ...results, turn(2, 'tool_use', 'call_0'));
  expect(pending).toHaveLength(1);
  expect(keys).not.toContain(pending[0]?.call.key);
  expect(pending[0]).toMatchObject({ attempts: 0, call: { id: 'call_0', input: { number: 2 } } });
  expect(messages[2]?.content).toMatchObject([
    { toolCallId: 'call_0', content: [{ text: 'first 0' }] },
    { toolCallId: 'call_0', content: [{ text: 'first 1' }] },
  ]);
});

test.each(['max_tokens', 'refusal', 'context_window_exceeded'])(
  'a stored turn that ended with %s is broken also for whoever takes the run over',
  (stopReason) => {
    expect(stateAfter(turn(1, stopReason, 'a')).broken?.number).toBe(1);
    expect(stateAfter(turn(1, 'tool_use', 'a')).broken).toBeNull();
  },
);

test('a turn that was paused is part of the text of the turn that goes on with it', () => {
  const log = [turn(1, 'end_turn', 'a'), result('a', 'x'), turn(2, 'pause_turn')];
  expect(stateAfter(...log).answer).toBeNull();
  expect(stateAfter(...log, turn(3, 'end_turn')).text).toBe('turn 2;turn 3;');
});
