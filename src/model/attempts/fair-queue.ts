/** Items of several owners: the owners take turns, each gives its oldest item first. Every operation takes constant time. */
export class FairQueue<Item> {
  /** In the order of their turns. An owner without items is not in it. */
  readonly #owners = new Map<string, Set<Item>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  sizeOf(owner: string): number {
    return this.#owners.get(owner)?.size ?? 0;
  }

  add(owner: string, item: Item): void {
    const items = this.#owners.get(owner) ?? new Set();
    if (items.size === 0) this.#owners.set(owner, items);
    items.add(item);
    this.#size += 1;
  }

  /** Removes an item that waits no longer. */
  remove(owner: string, item: Item): void {
    const items = this.#owners.get(owner);
    if (!items?.delete(item)) return;
    this.#size -= 1;
    if (items.size === 0) this.#owners.delete(owner);
  }

  /** The next owner's oldest item, which leaves the queue; undefined when there is none. */
  take(): Item | undefined {
    for (const [owner, items] of this.#owners) {
      const item = items.values().next().value as Item;
      items.delete(item);
      this.#size -= 1;
      this.#owners.delete(owner);
      if (items.size > 0) this.#owners.set(owner, items);
      return item;
    }
    return undefined;
  }
}
