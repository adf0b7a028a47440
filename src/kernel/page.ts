/** A page of a list that can grow. Cursors are opaque to clients and stay valid while rows come and go. */
export interface PageRequest {
  /** 1 to 100; 20 when left out. */
  first?: number | null;
  /** The cursor of the last edge already seen. */
  after?: string | null;
}

export interface Page<Item> {
  edges: { node: Item; cursor: string }[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
}
