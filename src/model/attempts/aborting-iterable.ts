/**
 * A generator as an iterable that aborts when its reader leaves: the generator's own `return` would wait for the
 * pending `next`, which may be silent for ever.
 */
export function abortingIterable<Item>(
  start: (abort: AbortController) => AsyncGenerator<Item, void>,
): AsyncIterable<Item> {
  return {
    [Symbol.asyncIterator]() {
      const abort = new AbortController();
      const items = start(abort);
      return {
        next: () => items.next(),
        return: () => {
          abort.abort();
          return items.return();
        },
      };
    },
  };
}
