const STOP_WORDS = new Set(
  (
    'a about after all also am an and any are as at be because been but by can could did do does for from get had ' +
    'has have how i if in into is it its just many may me much must my no not of on one or our out please say says ' +
    'should so some such tell than that the their them then there these they this those to up us use used using ' +
    'want was we were what when where which who whom why will with would you your according docs document ' +
    'documents documentation source sources search find look question answer'
  ).split(' '),
);

/** The words of a text that carry meaning, lower case, without the commonest English endings. */
export function contentWords(text: string): Set<string> {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+(?:['’.-][\p{L}\p{N}]+)*/gu) ?? [];
  return new Set(words.filter((word) => !STOP_WORDS.has(word) && word.length > 1).map(stem));
}

/** How well a passage answers a question: shared content words, rarer ones (over all passages) weighing more. */
export function rankByOverlap<Passage>(
  question: string,
  passages: readonly { passage: Passage; text: string }[],
): { passage: Passage; score: number }[] {
  const asked = contentWords(question);
  const words = passages.map(({ text }) => contentWords(text));
  const weight = (word: string) =>
    Math.log(1 + passages.length / (words.filter((others) => others.has(word)).length || 1));
  return passages
    .map(({ passage }, index) => {
      const shared = [...asked].filter((word) => words[index]?.has(word));
      return { passage, score: shared.reduce((sum, word) => sum + weight(word), 0) };
    })
    .filter(({ score }) => score > 0)
    .sort((first, second) => second.score - first.score);
}

/** The sentences of a text in order, trimmed. */
export function splitSentences(text: string): string[] {
  const parts = text.match(/[^\n.!?]*(?:[.!?](?!\s|$|["'”’)])[^\n.!?]*)*[.!?]*["'”’)]*/g) ?? [];
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

function stem(word: string): string {
  if (word.length <= 4) return word.replace(/(?<=[^s])s$/, '');
  return word
    .replace(/ies$/, 'y')
    .replace(/(?:ing|edly|ed|es|s|ly)$/, '')
    .replace(/(.)\1$/, '$1')
    .replace(/e$/, '');
}
