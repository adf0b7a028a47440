type Given = Readonly<Record<string, string>>;

/** Names of fewer letters are too like one another. */
const minLength = 6;

/** Insertions, deletions, substitutions and swaps of neighbours from one name to another (Damerau, Levenshtein). */
function distance(from: string, to: string): number {
  const rows = Array.from({ length: from.length + 1 }, (_, at) => [at]);
  for (let column = 1; column <= to.length; column += 1) rows[0]![column] = column;
  for (let at = 1; at <= from.length; at += 1) {
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[at - 1] === to[column - 1];
      const swapped =
        at > 1 && column > 1 && from[at - 1] === to[column - 2] && from[at - 2] === to[column - 1];
      rows[at]![column] = Math.min(
        rows[at - 1]![column]! + 1,
        rows[at]![column - 1]! + 1,
        rows[at - 1]![column - 1]! + (same ? 0 : 1),
        swapped ? rows[at - 2]![column - 2]! + 1 : Infinity,
      );
    }
  }
  return rows[from.length]![to.length]!;
}

/** The known name that is most like this one; null where none is like it. */
function similarName(name: string, known: readonly string[]): string | null {
  const [nearest] = known
    .filter((other) => other.length >= minLength && Math.abs(other.length - name.length) <= 2)
    .map((other) => ({ other, steps: distance(name.toUpperCase(), other) }))
    .filter(({ steps }) => steps > 0 && steps <= 2)
    .sort((first, second) => first.steps - second.steps);
  return nearest?.other ?? null;
}

/** A line for each variable that begins like ours and is none. */
export const unknownVariables = (given: Given, known: readonly string[]): string[] =>
  Object.keys(given)
    .filter((name) => name.startsWith('TESSERA_') && !known.includes(name))
    .map((name) => {
      const meant = similarName(name, known);
      const remedy = meant ? `did you mean ${meant}?` : 'correct its name or unset it';
      return `${name} is not a variable of this server: ${remedy}`;
    });

/** A line for each other variable that is not read and looks like one that would be. */
export const misspelt = (given: Given, known: readonly string[]): string[] =>
  Object.keys(given)
    .filter((name) => !name.startsWith('TESSERA_') && !known.includes(name))
    .flatMap((name) => {
      const meant = name.length >= minLength ? similarName(name, known) : null;
      // Set as well: then the other is somebody else's.
      return meant && given[meant] === undefined
        ? `${name} is not read: did you mean ${meant}?`
        : [];
    });
