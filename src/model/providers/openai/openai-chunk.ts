import { z } from 'zod';

const count = z.number().int().nonnegative();

const usage = z.looseObject({
  prompt_tokens: count,
  completion_tokens: count,
  prompt_tokens_details: z.looseObject({ cached_tokens: count.nullish() }).nullish(),
});

const toolCallDelta = z.looseObject({
  index: count.default(0),
  id: z.string().nullish(),
  function: z
    .looseObject({ name: z.string().nullish(), arguments: z.string().nullish() })
    .nullish(),
});

const delta = z.looseObject({
  content: z.string().nullish(),
  refusal: z.string().nullish(),
  /** Not OpenAI's own: compatible servers tell their thinking here. */
  reasoning_content: z.string().nullish(),
  tool_calls: z.array(toolCallDelta).nullish(),
});

/** One event of a chat completion's stream: what we read of it. The last ones have usage and no choice. */
export const openAiChunk = z.looseObject({
  model: z.string().nullish(),
  choices: z
    .array(z.looseObject({ delta: delta.nullish(), finish_reason: z.string().nullish() }))
    .nullish(),
  usage: usage.nullish(),
});

export const openAiErrorBody = z.looseObject({
  error: z.looseObject({
    message: z.string().nullish(),
    type: z.string().nullish(),
    code: z.union([z.string(), z.number()]).nullish(),
  }),
});

export type OpenAiChunk = z.infer<typeof openAiChunk>;
export type OpenAiUsage = z.infer<typeof usage>;
export type OpenAiToolCallDelta = z.infer<typeof toolCallDelta>;
