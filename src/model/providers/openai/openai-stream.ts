import { createParser } from 'eventsource-parser';
import { providerError } from '../provider-error.ts';
import { type OpenAiChunk, openAiChunk, openAiErrorBody } from './openai-chunk.ts';
import { openAiError } from './openai-error.ts';

/**
 * The events of a chat completion's stream; null for "[DONE]", after which it is only read on, so that the connection
 * ends well and can be used again. Throws a `DomainError` for an error event and for what is not JSON or not a chunk.
 */
export async function* readOpenAiStream(
  body: AsyncIterable<Uint8Array>,
  whose: { provider: string; model: string },
): AsyncGenerator<OpenAiChunk | null, void> {
  const arrived: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => arrived.push(data) });
  const decoder = new TextDecoder();
  let done = false;
  for await (const bytes of body) {
    parser.feed(decoder.decode(bytes, { stream: true }));
    for (const data of arrived.splice(0)) {
      if (done) continue;
      done = data === '[DONE]';
      yield done ? null : chunkOf(data, whose);
    }
  }
}

function chunkOf(data: string, whose: { provider: string; model: string }): OpenAiChunk {
  const json = parseJson(data);
  if (openAiErrorBody.safeParse(json).success) throw openAiError({ ...whose, body: json });
  const chunk = openAiChunk.safeParse(json);
  if (chunk.success) return chunk.data;
  throw providerError({ kind: 'broken_stream', ...whose });
}

/** Undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
