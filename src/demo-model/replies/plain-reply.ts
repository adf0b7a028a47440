import { evaluate, findExpressions } from './arithmetic.ts';
import type { Conversation } from './conversation.ts';
import { chooseLabel } from './label-choice.ts';
import { labelledExamples, subjectOf } from './prompt-text.ts';
import { splitSentences } from './word-overlap.ts';

const LONGEST_ECHO = 300;
const HOW_TO_GET_REAL_ANSWERS =
  'For real answers, set ANTHROPIC_API_KEY and start the server again.';
const VOCABULARY =
  'small tiles make a large picture and every token of this text came from the demo model'.split(
    ' ',
  );

/** A text of this many words, always the same. */
export function wordsReply(count: number): string {
  return Array.from({ length: count }, (_, index) => VOCABULARY[index % VOCABULARY.length]).join(
    ' ',
  );
}

/**
 * The reply when there is nothing to call, cite or fill in. It does what words alone allow (sums, summaries by
 * leading sentences, labels, recalling what was said) and otherwise says what it is and echoes the question.
 */
export function plainReply(conversation: Conversation): string {
  return (
    labelReply(conversation) ??
    summaryReply(conversation) ??
    stepwiseReply(conversation) ??
    sumReply(conversation.question) ??
    recallReply(conversation) ??
    introduction(conversation.question)
  );
}

function labelReply(conversation: Conversation): string | undefined {
  const instruction = `${conversation.system}\n${conversation.question}`;
  if (!/\b(?:classif|categori[sz]|sentiment|label)/i.test(instruction)) return undefined;
  const examples = labelledExamples(conversation).filter(({ label }) => label.length <= 60);
  const listed =
    /(?:labels|categories|classes|sentiments?|one of|into|as)\b[^:\n]{0,40}:?\s+((?:["'`]?[\w-]+["'`]?(?:\s*(?:,|\/|\||,?\s+or|,?\s+and)\s*))+["'`]?[\w-]+["'`]?)/i.exec(
      instruction,
    )?.[1];
  const named = listed
    ?.split(/\s*(?:,|\/|\||\bor\b|\band\b)\s*/)
    .map((label) => label.replaceAll(/["'`\s]/g, ''));
  const labels = [...new Set([...examples.map(({ label }) => label), ...(named ?? [])])].filter(
    (label) => label !== '',
  );
  if (labels.length === 0 && /sentiment/i.test(instruction))
    labels.push('positive', 'negative', 'neutral');
  return labels.length < 2
    ? undefined
    : chooseLabel(subjectOf(conversation.question), labels, examples);
}

function summaryReply({ system, question }: Conversation): string | undefined {
  const asksFor = /\bsummar(?:y|i[sz])|\btl;?dr\b|\bcondense\b/i;
  if (!asksFor.test(question) && !asksFor.test(system)) return undefined;
  const sentences = splitSentences(subjectOf(question));
  if (sentences.length === 0) return undefined;
  const wanted = countOf(`${question}\n${system}`) ?? 2;
  const bullets = /\bbullets?\b/i.test(`${question}\n${system}`);
  const chosen = sentences.slice(0, wanted);
  return bullets
    ? chosen.map((sentence) => `- ${sentence}`).join('\n')
    : `Demo model: ${chosen.join(' ')}`;
}

/** The number of sentences or points asked for. */
function countOf(instruction: string): number | undefined {
  const words = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
  const found = new RegExp(
    `\\b(\\d+|${words.join('|')})\\s+(?:short\\s+|concise\\s+)?(?:sentence|bullet|point|line)`,
    'i',
  ).exec(instruction)?.[1];
  if (found === undefined) return undefined;
  return Math.max(1, /^\d/.test(found) ? Number(found) : words.indexOf(found.toLowerCase()) + 1);
}

function stepwiseReply({ system, question }: Conversation): string | undefined {
  if (!/step[- ]by[- ]step|chain[- ]of[- ]thought/i.test(`${system}\n${question}`))
    return undefined;
  const [expression] = findExpressions(question).sort(
    (first, second) => second.length - first.length,
  );
  const subject = echo(subjectOf(question));
  const steps =
    expression === undefined
      ? [
          `The question is: ${subject}`,
          'I am the demo model: I can lay out steps, not reason through them.',
        ]
      : [
          `The question is: ${subject}`,
          `It comes down to ${expression}.`,
          `${expression} = ${evaluate(expression)}.`,
        ];
  const answer =
    expression === undefined
      ? `only a real model can say. ${HOW_TO_GET_REAL_ANSWERS}`
      : `${evaluate(expression)}`;
  return `Let me take this step by step (demo model).\n${steps.map((step, index) => `${index + 1}. ${step}`).join('\n')}\nAnswer: ${answer}`;
}

function sumReply(question: string): string | undefined {
  if (question.length > LONGEST_ECHO) return undefined;
  const sums = findExpressions(question).map(
    (expression) => `${expression} = ${evaluate(expression)}`,
  );
  return sums.length === 0
    ? undefined
    : `${sums.join(', ')}. (The demo model can do sums, but little else.)`;
}

function recallReply({ question, earlierQuestions }: Conversation): string | undefined {
  const last = earlierQuestions.at(-1);
  if (last === undefined) return undefined;
  if (/\bmy name\b/i.test(question)) {
    const told = earlierQuestions
      .map((said) => /\bmy name is (\p{L}+)/iu.exec(said)?.[1])
      .findLast((name) => name !== undefined);
    if (told !== undefined) return `You told me your name is ${told}. (Demo model)`;
  }
  if (
    !/\b(?:did i (?:just )?(?:say|ask|tell)|remember|earlier|before that|previous|last message)\b/i.test(
      question,
    )
  )
    return undefined;
  return `Before this you said: “${echo(last)}”. (Demo model)`;
}

function introduction(question: string): string {
  const greeting = /^(?:hi|hello|hey|good (?:morning|evening|afternoon))\b/i.test(question)
    ? 'Hello! '
    : '';
  const asked = question === '' ? '' : ` You wrote: “${echo(question)}”.`;
  return (
    `${greeting}This is the demo model, a stand-in that runs inside the server and knows nothing of the world.${asked} ` +
    `It can stream, call tools, cite your documents and fill in schemas, so you can try everything without a key. ` +
    HOW_TO_GET_REAL_ANSWERS
  );
}

function echo(text: string): string {
  return text.length > LONGEST_ECHO ? `${text.slice(0, LONGEST_ECHO)}…` : text;
}
