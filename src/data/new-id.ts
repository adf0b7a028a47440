import { v7 } from 'uuid';

/** A UUID version 7: unique without coordination, and sorted by time, which keeps pages and indexes in order. */
export const newId = (): string => v7();
