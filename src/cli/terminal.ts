export interface Output {
  write(text: string): unknown;
}

/** Lines are redrawn on a terminal alone. */
export interface Progress extends Output {
  isTTY?: boolean;
  columns?: number;
}

/** Where a command writes: its result to one stream, what it is doing to the other. */
export interface Terminal {
  /** A line of the result. */
  print(line: string): void;
  /** A line of progress or trouble. */
  tell(line: string): void;
  /** Shows a state of work in place of the one before, on a terminal; elsewhere as a line of its own, now and then. */
  show(state: string): void;
  /** Clears what `show` has left. */
  clear(): void;
}

const redrawMs = 100;
const lineMs = 5_000;

/** File names and messages of others may hold sequences that a terminal obeys. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '�');

export function createTerminal(output: Output, progress: Progress): Terminal {
  let shown = false;
  let lastShown = progress.isTTY ? -Infinity : performance.now();
  const clear = (): void => {
    if (shown) progress.write('\r\u001b[K');
    shown = false;
  };
  return {
    print: (line) => {
      clear();
      output.write(`${printable(line)}\n`);
    },
    tell: (line) => {
      clear();
      progress.write(`${printable(line)}\n`);
    },
    show: (state) => {
      const now = performance.now();
      if (now - lastShown < (progress.isTTY ? redrawMs : lineMs)) return;
      lastShown = now;
      if (!progress.isTTY) {
        progress.write(`${printable(state)}\n`);
        return;
      }
      progress.write(`\r${printable(state).slice(0, (progress.columns ?? 80) - 1)}\u001b[K`);
      shown = true;
    },
    clear,
  };
}
