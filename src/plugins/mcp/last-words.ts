const maxCharacters = 300;

/** A line that names an error: of Node, Python, Go, Rust, a shell. */
const error =
  /^\s*(?:uncaught |fatal |caused by: )*[\w.:]*(?:error|exception|panic(?:ked)?|fatal)\b/i;
/** A line that tells a person what to do. */
const complaint =
  /error|cannot|can't|could not|couldn't|not found|no such|missing|required|denied|refused|invalid|unknown|usage:|failed|unable|must\b/i;
/** Within a stack trace, or what Node prints around an error. */
const noise =
  /^\s*(?:at .*|File ".*|Node\.js v\S+|throw .*|\^+|[{}\]),;]+|code: .*|requireStack: .*)\s*$/;
/** npm's report, whose first line after the code has the reason. */
const npm = /^npm (?:error|ERR!) (?!code\b)/;
const words = /\p{L}{2}/u;

/** The line of a dead process's last ones that says why it ended; '' when none has words. */
export function lastWords(lines: readonly string[]): string {
  const candidates = lines.filter((line) => words.test(line) && !noise.test(line));
  const found =
    candidates.find((line) => npm.test(line)) ??
    candidates.findLast((line) => error.test(line)) ??
    candidates.findLast((line) => complaint.test(line)) ??
    candidates.at(-1) ??
    '';
  return found.trim().slice(0, maxCharacters);
}
