import { evaluate, findExpressions } from './arithmetic.ts';
import type { Conversation } from './conversation.ts';
import { ratePassages } from './passage-ratings.ts';
import { labelledExamples, subjectOf } from './prompt-text.ts';
import type { PlannedBlock } from './reply-plan.ts';
import { valueFromSchema } from './schema-value.ts';
import { rankByOverlap, splitSentences } from './word-overlap.ts';

/** One text block of JSON that the schema of `output_config.format` accepts, about the subject of the prompt. */
export function structuredReply(conversation: Conversation, schema: unknown): PlannedBlock[] {
  const ratings = ratePassages(conversation.question, schema);
  if (ratings) return [{ type: 'text', text: JSON.stringify(ratings) }];
  const subject = subjectOf(conversation.question);
  const answer = answerOf(conversation);
  const value = valueFromSchema(schema, {
    text: subject === '' ? subjectOf(conversation.system) : subject,
    examples: labelledExamples(conversation),
    ...(answer === undefined ? {} : { answer }),
  });
  return [{ type: 'text', text: JSON.stringify(value) }];
}

/** Value of an `answer` field: the sum asked for, or the best sentence of the tools' results. */
function answerOf({ question, toolOutcomes }: Conversation): string | undefined {
  const expression = findExpressions(question)[0];
  if (expression !== undefined) return evaluate(expression);
  const sentences = toolOutcomes.flatMap(({ text }) => splitSentences(text));
  return rankByOverlap(
    question,
    sentences.map((text) => ({ passage: text, text })),
  )[0]?.passage;
}
