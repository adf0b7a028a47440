/** Words that point to what was said before, or join on to it. */
const pointers = new Set(
  'it its that this those these they them their he him his she her hers there then here such same other others another one ones else also too instead former latter above previous earlier again still more less and or but so why'.split(
    ' ',
  ),
);
/** A question begins with one of these, or is a request. */
const openers = new Set(
  'what which who whom whose when where how is are was were do does did can could may must should will would has have list explain describe compare summarize give name tell'.split(
    ' ',
  ),
);
const common = new Set(
  'the a an of in on for to with by at from i you we my your our me us about'.split(' '),
);
/** What, when and how need something to be about. */
const minContentWords = 3;

/**
 * Whether a question is surely understood without what was said before: an English one that begins as a question does, has
 * content of its own and points to nothing. Any other may lean on the conversation.
 */
export function standsAlone(question: string): boolean {
  const words = question.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
  const [first] = words;
  if (first === undefined || !openers.has(first) || /[^\p{ASCII}]/u.test(question)) return false;
  if (words.some((word) => pointers.has(word))) return false;
  if (/\b(what|how) about\b/i.test(question)) return false;
  const content = words.filter((word) => !openers.has(word) && !common.has(word));
  return content.length >= minContentWords;
}
