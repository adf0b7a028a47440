/** Items of several owners: the owners take turns, each gives its oldest item first. */
export interface FairQueue<Item> {
  add(owner: string, item: Item): void;
  /** The next owner's oldest item, which leaves the queue; undefined when there is none. */
  take(): Item | undefined;
  /** Removes an item that waits no longer. */
  remove(owner: string, item: Item): void;
  sizeOf(owner: string): number;
  readonly size: number;
}

/** Every operation takes constant time. */
export function createFairQueue<Item>(): FairQueue<Item> {
  // In the order of their turns. An owner without items is not in it.
  const owners = new Map<string, Set<Item>>();
  let size = 0;
  return {
    get size() {
      return size;
    },
    sizeOf: (owner) => owners.get(owner)?.size ?? 0,
    add(owner, item) {
      const items = owners.get(owner) ?? new Set();
      if (items.size === 0) owners.set(owner, items);
      items.add(item);
      size += 1;
    },
    remove(owner, item) {
      const items = owners.get(owner);
      if (!items?.delete(item)) return;
      size -= 1;
      if (items.size === 0) owners.delete(owner);
    },
    take() {
      for (const [owner, items] of owners) {
        const item = items.values().next().value as Item;
        items.delete(item);
        size -= 1;
        owners.delete(owner);
        if (items.size > 0) owners.set(owner, items);
        return item;
      }
      return undefined;
    },
  };
}
