const FUNCTIONS: Readonly<Record<string, (value: number) => number>> = {
  sqrt: Math.sqrt,
  abs: Math.abs,
  round: Math.round,
};

/** Of a text over twice as long only the beginning and the end are read, where people put their questions. */
const LONGEST_TEXT = 2_000;

/** The arithmetic expressions in a text, in order, spelled with `+ - * / ^ %`, brackets and `sqrt()`. */
export function findExpressions(text: string): string[] {
  const spelled = (
    text.length <= 2 * LONGEST_TEXT
      ? text
      : `${text.slice(0, LONGEST_TEXT)} ; ${text.slice(-LONGEST_TEXT)}`
  )
    .replace(/\d{4}-\d{2}-\d{2}|\b\d{4}\s?[-–]\s?\d{4}\b|\b24\/7\b/g, ' ; ')
    .replace(/(\d),(?=\d{3}\b)/g, '$1')
    .replace(/(\d+(?:\.\d+)?)\s*(?:%|percent)\s+of\s+(\d+(?:\.\d+)?)/gi, '$2 * $1 / 100')
    .replace(/square root of\s+(\d+(?:\.\d+)?)/gi, 'sqrt($1)')
    .replace(/\bto the power of\b|\*\*/gi, '^')
    .replace(/\bsquared\b/gi, '^ 2')
    .replace(/\bplus\b/gi, '+')
    .replace(/\bminus\b|−/gi, '-')
    .replace(/\b(?:times|multiplied by)\b|×|(?<=\d\s*)x(?=\s*\d)/gi, '*')
    .replace(/\bdivided by\b|÷/gi, '/');
  const runs =
    spelled.match(/(?<!\w)(?:(?:sqrt|abs|round)\s*\(|(?<=\d)[eE][+-]?\d|[\d.()+\-*/^%\s])+/g) ?? [];
  return runs
    .map(tidy)
    .filter(
      (run) => /\d\s*\)*\s*[-+*/^%]\s*[-(\d]|[a-z]\(/.test(run) && evaluate(run) !== undefined,
    );
}

/** The value of an expression in words: its number, or that it divides by zero. Undefined when it is no expression. */
export function evaluate(expression: string): string | undefined {
  const tokens = expression.match(/\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[a-z]+|[-+*/^%()]/g) ?? [];
  if (tokens.join('') !== expression.replace(/\s/g, '')) return undefined;
  const parser = new Parser(tokens);
  const value = parser.sum();
  if (!parser.done) return undefined;
  if (parser.dividedByZero) return 'undefined (division by zero)';
  return Number.isFinite(value) ? String(Number(value.toPrecision(12))) : undefined;
}

function tidy(run: string): string {
  let text = run.trim().replace(/^[+*/^%.\s]+|[-+*/^%.(\s]+$/g, '');
  const count = (bracket: string) => text.split(bracket).length - 1;
  while (count(')') > count('(') && text.endsWith(')')) text = text.slice(0, -1).trim();
  while (count('(') > count(')') && text.startsWith('(')) text = text.slice(1).trim();
  return text.replace(/\s+/g, ' ');
}

/** Recursive descent; a missing operand becomes NaN, which makes the whole value NaN. */
class Parser {
  readonly #tokens: string[];
  dividedByZero = false;

  constructor(tokens: readonly string[]) {
    this.#tokens = [...tokens];
  }

  get done(): boolean {
    return this.#tokens.length === 0;
  }

  sum(): number {
    let value = this.#product();
    for (;;) {
      if (this.#take('+')) value += this.#product();
      else if (this.#take('-')) value -= this.#product();
      else return value;
    }
  }

  #product(): number {
    let value = this.#power();
    for (;;) {
      if (this.#take('*')) value *= this.#power();
      else if (this.#take('/')) value /= this.#divisor();
      else if (this.#take('%')) value %= this.#divisor();
      else return value;
    }
  }

  #divisor(): number {
    const value = this.#power();
    if (value === 0) this.dividedByZero = true;
    return value;
  }

  #power(): number {
    if (this.#take('-')) return -this.#power();
    const base = this.#atom();
    return this.#take('^') ? base ** this.#power() : base;
  }

  #atom(): number {
    const token = this.#tokens.shift() ?? '';
    const apply = FUNCTIONS[token];
    if (apply === undefined && token !== '(') return token === '' ? Number.NaN : Number(token);
    if (apply !== undefined && !this.#take('(')) return Number.NaN;
    const inner = this.sum();
    if (!this.#take(')')) return Number.NaN;
    return apply === undefined ? inner : apply(inner);
  }

  #take(token: string): boolean {
    if (this.#tokens[0] !== token) return false;
    this.#tokens.shift();
    return true;
  }
}
