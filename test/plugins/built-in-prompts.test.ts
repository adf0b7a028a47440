import { describe, expect, test } from 'vitest';
import { chainOfThought } from '../../src/plugins/chain-of-thought/chain-of-thought.ts';
import { fewShot } from '../../src/plugins/few-shot/few-shot.ts';
import { questionAnswering } from '../../src/plugins/question-answering/question-answering.ts';
import { sentiment } from '../../src/plugins/sentiment/sentiment.ts';
import { summarization } from '../../src/plugins/summarization/summarization.ts';
import { tryPrompt } from '../../src/testing.ts';

describe('the built-in prompts say', () => {
  test('rag_qa', async () => {
    const variables = { context: '[1] Tea is grown in Assam.', query: 'Where is tea grown?' };
    const { text, system } = await tryPrompt(questionAnswering(), { prompt: 'rag_qa', variables });
    expect(text).toBe('Passages:\n\n[1] Tea is grown in Assam.\n\nQuestion: Where is tea grown?');
    expect(system).toContain('by its number in brackets: [1]');
    expect(system).toContain('say that the sources do not contain it');
  });

  test.for([
    [undefined, 'at most 3 sentences.'],
    [1, 'at most 1 sentence.'],
  ] as const)('summarization in %s', async ([maxSentences, expected]) => {
    const { text } = await tryPrompt(summarization(), {
      prompt: 'summarization',
      variables: { text: 'Long.', maxSentences },
    });
    expect(text).toBe(`Summarize the text in ${expected}\n\n<text>\nLong.\n</text>`);
  });

  test('few_shot', async () => {
    const examples = [
      { input: 'sea', output: 'mar' },
      { input: '{{ sky }}', output: 'cielo' },
    ];
    const variables = { task: 'Translate to Spanish.', examples, input: 'sun' };
    const { text } = await tryPrompt(fewShot(), { prompt: 'few_shot', variables });
    expect(text).toBe(
      'Task: Translate to Spanish.\n\nInput: sea\nOutput: mar\n\nInput: {{ sky }}\nOutput: cielo\n\nInput: sun\nOutput:',
    );
    await expect(
      tryPrompt(fewShot(), { prompt: 'few_shot', variables: { ...variables, examples: [] } }),
    ).rejects.toMatchObject({ details: { issues: [{ path: ['examples'] }] } });
  });

  test('chain_of_thought', async () => {
    const variables = { question: 'Why?' };
    const prompt = { prompt: 'chain_of_thought', variables };
    expect((await tryPrompt(chainOfThought(), prompt)).text).toBe('Question: Why?');
  });

  test('classify_sentiment', async () => {
    const prompt = { prompt: 'classify_sentiment', variables: { text: 'Nice.' } };
    const { text } = await tryPrompt(sentiment(), prompt);
    expect(text).toBe('Classify the sentiment of the text.\n\n<text>\nNice.\n</text>');
  });
});
