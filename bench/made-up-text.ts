// Text that nobody wrote, always the same: words as often as in English, without their meaning.
let state = 42;
const random = (): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
};
const syllables = 'ba ko ri ten sul mor ga vi lo pen dra est in qua ty zer um fol ne ash'.split(
  ' ',
);
const words = Array.from({ length: 30_000 }, (_, n) =>
  [n % 20, Math.floor(n / 20) % 20, Math.floor(n / 400) % 20, n % 7]
    .map((at) => syllables[at])
    .join(''),
);
/** Zipf's law: the nth commonest word as often as 1 / n. */
const word = (): string => words[Math.floor(words.length ** random()) - 1]!;
const sentence = (): string => `${Array.from({ length: 14 }, word).join(' ')}.`;
const paragraph = (): string => Array.from({ length: 8 }, sentence).join(' ');

/** Three chunks or four. */
export const article = (): string => `# ${sentence()}\n\n${paragraph()}\n\n${paragraph()}`;

/** A question of common words and rarer ones. */
export const question = (): string =>
  `${word()} ${word()} ${words[Math.floor(random() * 3_000)]} ${word()}`;
