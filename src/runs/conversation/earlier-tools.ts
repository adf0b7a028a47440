import type { Message, ModelCall, ToolSpecification } from '../../kernel/model.ts';

type Tools = Pick<ModelCall, 'tools' | 'toolChoice'>;

/**
 * The tools of a call with those that its conversation used and that it does not offer, if there are such: providers refuse
 * calls and results of tools that a request does not declare. Where none is offered, none may be called.
 */
export function withEarlierTools(offered: Tools, history: readonly Message[]): Tools {
  const { tools: own = [] } = offered;
  const known = new Set(own.map(({ name }) => name));
  const earlier = new Set(
    history.flatMap(({ content }) =>
      content.flatMap((block) => (block.type === 'tool_call' ? block.name : [])),
    ),
  );
  const gone = [...earlier].filter((name) => !known.has(name)).map(unavailable);
  if (gone.length === 0) return {};
  const tools = [...own, ...gone];
  return known.size > 0 ? { tools } : { tools, toolChoice: { mode: 'none' } };
}

/** A call with all messages of its conversation, and with the tools that they used. */
export const callWith = <Call extends Tools>(call: Call, messages: Message[]) => ({
  ...call,
  ...withEarlierTools(call, messages),
  messages,
});

const unavailable = (name: string): ToolSpecification => ({
  name,
  description: 'Was used earlier, and is no longer available.',
  inputSchema: { type: 'object' },
});
